"""PostgreSQL: MLflow's two databases, behind a password, on a port of the loopback."""

from __future__ import annotations

import functools
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from msm.errors import UserError
from stack.credentials import Credentials
from stack.place import HOST, Place, Port, ServiceName, write_private
from stack.processes import as_user, launch, program
from stack.service import Service

DEBIAN = Path("/usr/lib/postgresql")  # each version's programs, outside the search path
OWNER = "postgres"  # PostgreSQL's own name for who may do everything
ROLE = "mlflow"
DATABASES = ("mlflow", "mlflow_auth")
_CONNECT_SECONDS = 3
_WITHOUT_ROOT = ("postgres", "nobody")  # PostgreSQL refuses to run as root


def service(place: Place, credentials: Credentials) -> Service:
    """PostgreSQL as a service of the stand."""
    port = place.port(Port.POSTGRES)
    return Service(
        place=place,
        name=ServiceName.POSTGRES,
        title="PostgreSQL",
        address=f"postgresql://{HOST}:{port}",
        ports=(port,),
        launch=functools.partial(_launch, place, credentials),
        answers=functools.partial(_answers, place, credentials),
        furnish=functools.partial(_furnish, place, credentials),
    )


def database_uri(place: Place, credentials: Credentials, database: str) -> str:
    """What SQLAlchemy opens a database by; plain ``postgresql://`` would be another driver."""
    secret = credentials.postgres_mlflow
    return f"postgresql+psycopg2://{ROLE}:{secret}@{HOST}:{place.port(Port.POSTGRES)}/{database}"


def find_programs(folders: Iterable[Path] | None = None) -> Path:
    """The folder of ``initdb`` and ``postgres``, the newest version's.

    Raises:
        UserError: they are not installed.
    """
    versions = list(DEBIAN.glob("*/bin")) if folders is None else folders
    newest = sorted(versions, key=lambda path: [path.parent.name.zfill(4)], reverse=True)
    found = program("initdb", newest)
    if found is None:
        raise UserError(
            "PostgreSQL is not installed: apt-get install postgresql (Debian, Ubuntu), or put the "
            "folder of its programs on PATH"
        )
    return found.resolve().parent


def _launch(place: Place, credentials: Credentials) -> None:
    programs, user = find_programs(), _user()
    home = place.home(ServiceName.POSTGRES)
    if user is not None:
        entry = pwd.getpwnam(user)
        os.chown(home, entry.pw_uid, entry.pw_gid)
    data = home / "data"
    if not data.exists():
        _make_cluster(programs, home, data, user, credentials.postgres_owner)
    settings = {
        "listen_addresses": HOST,
        "port": str(place.port(Port.POSTGRES)),
        "unix_socket_directories": "",
        "max_connections": "60",
        "shared_buffers": "32MB",
        # A power cut may cost the last moments, never the whole; it saves a flush for each commit.
        "synchronous_commit": "off",
    }
    chosen = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    launch(
        place, ServiceName.POSTGRES, [programs / "postgres", "-D", data, *chosen], {}, data, user
    )


def _make_cluster(programs: Path, home: Path, data: Path, user: str | None, secret: str) -> None:
    """Make the files of an empty server aside, and move them into place."""
    partial, file = home / "data.partial", home / "password"
    shutil.rmtree(partial, ignore_errors=True)
    write_private(file, secret)
    if user is not None:
        os.chown(file, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    command: list[str | Path] = [
        programs / "initdb",
        *("-D", str(partial), f"--username={OWNER}", "--auth=scram-sha-256"),
        *(f"--pwfile={file}", "--encoding=UTF8", "--no-locale", "--no-sync"),
    ]
    try:
        made = subprocess.run(command, cwd="/", capture_output=True, text=True, **as_user(user))
    finally:
        file.unlink()
    if made.returncode != 0:
        told = made.stderr.strip().splitlines() or ["it gives no reason"]
        who = f" as user {user}" if user else ""
        raise UserError(
            f"initdb{who} could not make {data}: {told[-1]}; if it may not enter the folder, "
            "choose another: make stack STACK=DIR"
        )
    partial.rename(data)


def _user() -> str | None:
    """As whom PostgreSQL runs; None is as oneself.

    Raises:
        UserError: we are root, and there is no user without rights.
    """
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in _WITHOUT_ROOT:
        if name in known:
            return name
    raise UserError(
        "PostgreSQL does not run as root, and there is no user 'postgres' or 'nobody' to run it "
        "as; start the stand as another user"
    )


def _connect(place: Place, credentials: Credentials) -> Any:
    import psycopg2

    connection = psycopg2.connect(
        host=HOST,
        port=place.port(Port.POSTGRES),
        user=OWNER,
        password=credentials.postgres_owner,
        dbname="postgres",
        connect_timeout=_CONNECT_SECONDS,
    )
    connection.autocommit = True  # a database is not made in a transaction
    return connection


def _answers(place: Place, credentials: Credentials) -> bool:
    import psycopg2

    try:
        _connect(place, credentials).close()
    except psycopg2.OperationalError:
        return False
    return True


def _furnish(place: Place, credentials: Credentials) -> None:
    connection = _connect(place, credentials)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ROLE,))
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD %s", (credentials.postgres_mlflow,))
        for name in DATABASES:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            if cursor.fetchone() is None:
                cursor.execute(f"CREATE DATABASE {name} OWNER {ROLE}")
    connection.close()
