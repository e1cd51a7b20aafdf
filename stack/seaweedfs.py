"""SeaweedFS: a real S3 server in one process, its data in a folder."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msm.errors import UserError
from stack.credentials import Credentials
from stack.place import HOST, Place, Port, ServiceName, write_private
from stack.processes import launch, program
from stack.service import Service

MLFLOW_BUCKET, DVC_BUCKET, STORE_BUCKET = BUCKETS = ("msm-mlflow", "msm-dvc", "msm-store")
PARTS = ("s3", "filer", "master", "volume")
EVERYTHING = ("Admin", "Read", "Write", "List")
_ANSWER_SECONDS = 5


@dataclass(frozen=True)
class S3User:
    """A key, its secret, and what it may do: ``Read``, ``Read:bucket`` and the like."""

    name: str
    key: str
    secret: str
    actions: Sequence[str]


def settings_text(users: Sequence[S3User]) -> str:
    """The file that names the users of the S3 server."""
    identities = [
        {
            "name": user.name,
            "credentials": [{"accessKey": user.key, "secretKey": user.secret}],
            "actions": list(user.actions),
        }
        for user in users
    ]
    return json.dumps({"identities": identities}, indent=2) + "\n"


def weed_command(data: Path, settings: Path, ports: Sequence[int]) -> list[str | Path]:
    """The command of a server with all its parts.

    Args:
        data: the folder of the objects.
        settings: the file of the users.
        ports: one for each of ``PARTS``, then one for each part's gRPC.

    Raises:
        UserError: the program is not installed.
    """
    weed = program("weed")
    if weed is None:
        raise UserError("weed (SeaweedFS) is not installed; the lock file has it: make environment")
    http, grpc = ports[: len(PARTS)], ports[len(PARTS) :]
    return [
        *(weed, "-logtostderr=true", "server", f"-dir={data}"),
        *(f"-ip={HOST}", f"-ip.bind={HOST}"),
        *("-s3", f"-s3.config={settings}", "-s3.autoCreateBucket=false"),
        *("-s3.port.iceberg=0", "-s3.port.lance=0"),
        *("-volume.max=200", "-volume.preStopSeconds=0", "-master.volumeSizeLimitMB=64"),
        *(f"-{part}.port={port}" for part, port in zip(PARTS, http, strict=True)),
        *(f"-{part}.port.grpc={port}" for part, port in zip(PARTS, grpc, strict=True)),
    ]


def service(place: Place, credentials: Credentials) -> Service:
    """The S3 server as a service of the stand."""
    ports = tuple(place.port(port) for port in Port if port not in (Port.MLFLOW, Port.POSTGRES))
    return Service(
        place=place,
        name=ServiceName.S3,
        title="S3 (SeaweedFS)",
        address=place.url(Port.S3),
        ports=ports,
        launch=functools.partial(_launch, place, credentials, ports),
        answers=functools.partial(_answers, place, credentials),
        furnish=functools.partial(_furnish, place, credentials),
    )


def client(place: Place, credentials: Credentials, attempts: int = 5) -> Any:
    """A client that may do everything, by the key that a person uses."""
    import boto3
    from botocore.config import Config

    session = boto3.Session(credentials.s3_key, credentials.s3_secret, region_name="us-east-1")
    config = Config(
        retries={"mode": "standard", "total_max_attempts": attempts},
        connect_timeout=_ANSWER_SECONDS,
        read_timeout=_ANSWER_SECONDS * attempts,
        proxies={},
    )
    return session.client("s3", endpoint_url=place.url(Port.S3), config=config)


def remove_sockets(place: Place) -> None:
    """Remove what the server leaves in the folder for temporary files, wherever its data lie."""
    for port in Port:
        for left in Path("/tmp").glob(f"seaweedfs-*-{place.port(port)}.sock"):
            left.unlink(missing_ok=True)


def _launch(place: Place, credentials: Credentials, ports: Sequence[int]) -> None:
    home = place.home(ServiceName.S3)
    data = home / "data"
    data.mkdir(exist_ok=True)
    rights = tuple(f"{action}:{MLFLOW_BUCKET}" for action in ("Read", "Write", "List"))
    users = (
        S3User("msm", credentials.s3_key, credentials.s3_secret, EVERYTHING),
        S3User("mlflow", credentials.s3_mlflow_key, credentials.s3_mlflow_secret, rights),
    )
    settings = home / "s3.json"
    write_private(settings, settings_text(users))
    command = weed_command(data, settings, ports)
    launch(place, ServiceName.S3, command, {"TMPDIR": str(home)}, home)


def _answers(place: Place, credentials: Credentials) -> bool:
    """Whether it lists its buckets; that asks the filer too."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client(place, credentials, attempts=1).list_buckets()
    except (BotoCoreError, ClientError):
        return False
    return True


def _furnish(place: Place, credentials: Credentials) -> None:
    """Make the buckets that are missing, and wait until an object can be written."""
    s3 = client(place, credentials, attempts=10)
    there = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    for name in BUCKETS:
        if name not in there:
            s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=STORE_BUCKET, Key=".ready", Body=b"")
