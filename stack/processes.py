"""The processes of a stand: started to stay, and found again by whoever asks.

They outlive the command that starts them, so no list of them is kept, which could be wrong: each
carries its stand and service in its environment. PostgreSQL overwrites its own, and is known by
its program and the folder it works in.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from msm.errors import UserError
from stack.place import Place, ServiceName

MARKER = "MSM_STACK_SERVICE"
# To end in good order. SeaweedFS needs 17 s to take leave of itself; its files bear being killed.
_PATIENCE = {ServiceName.POSTGRES: 20.0, ServiceName.S3: 2.0, ServiceName.MLFLOW: 15.0}
_KILL_SECONDS = 60.0  # a killed process needs its share of the CPU to end, too
# PostgreSQL waits for its clients on SIGTERM; on SIGINT it does not, and closes in good order.
_STOP = {ServiceName.POSTGRES: signal.SIGINT}
_HANDED_ON = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH")


def launch(
    place: Place,
    name: ServiceName,
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    folder: Path,
    user: str | None = None,
) -> None:
    """Start a service that stays; its output goes to its log.

    It gets the variables it is given and those that say where programs lie: nothing of the
    person's own settings of S3 or MLflow.

    Args:
        place: the stand.
        name: which service it is.
        command: program and arguments; no secrets, since everybody can read them.
        environment: its variables; secrets are welcome.
        folder: where it works.
        user: as whom it runs; None as whoever starts it.
    """
    handed_on = {key: os.environ[key] for key in _HANDED_ON if key in os.environ}
    log = os.open(place.log(name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        subprocess.Popen(
            command,
            cwd=folder,
            env={**handed_on, "HOME": str(folder), MARKER: _mark(place, name), **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,
            **as_user(user),
        )
    finally:
        os.close(log)


def as_user(user: str | None) -> dict[str, Any]:
    """The arguments of ``subprocess`` that run a program as another user; none for oneself."""
    if user is None:
        return {}
    import pwd

    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def find(place: Place, name: ServiceName) -> list[psutil.Process]:
    """The living processes of a service, whoever started them."""
    return [process for process in psutil.process_iter() if _belongs(process, place, name)]


def stop(place: Place, name: ServiceName) -> bool:
    """End a service: ask its first processes, and kill what is left after a while.

    Returns whether there was anything to end.

    Raises:
        UserError: a process does not end even so.
    """
    found = find(place, name)
    known = {process.pid for process in found}
    for process in found:
        if _parent(process) not in known:
            _send(process, _STOP.get(name, signal.SIGTERM))
    _, left = psutil.wait_procs(found, _PATIENCE[name])
    while left := left or find(place, name):  # what was started meanwhile, too
        for process in left:
            _send(process, signal.SIGKILL)
        _, stubborn = psutil.wait_procs(left, _KILL_SECONDS)
        if stubborn:
            raise UserError(
                f"{name}: process {_numbers(stubborn)} was killed, and is still there after "
                f"{_KILL_SECONDS:.0f} s; wait until the machine is less busy, and call it again"
            )
        left = []
    return bool(found)


def _mark(place: Place, name: ServiceName) -> str:
    return f"{place.folder}:{name}"


def _belongs(process: psutil.Process, place: Place, name: ServiceName) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        if name is ServiceName.POSTGRES:
            return process.name() == "postgres" and _works_in(process, place.home(name) / "data")
        return bool(process.environ().get(MARKER) == _mark(place, name))
    except (psutil.Error, OSError):  # gone meanwhile, or somebody else's
        return False


def _works_in(process: psutil.Process, folder: Path) -> bool:
    return str(process.cwd()).removesuffix(" (deleted)") == str(folder)


def _parent(process: psutil.Process) -> int | None:
    try:
        return int(process.ppid())
    except psutil.Error:
        return None


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def _numbers(processes: Iterable[psutil.Process]) -> str:
    return ", ".join(str(process.pid) for process in processes)


def program(name: str, folders: Iterable[Path] = ()) -> Path | None:
    """A program of this Python environment, of the search path, or of the folders given."""
    import shutil

    # Not resolved: the environment's own, not that of the Python it was made from.
    own = Path(sys.executable).parent
    found = shutil.which(name, path=str(own)) or shutil.which(name)
    for folder in folders:
        found = found or shutil.which(name, path=str(folder))
    return Path(found) if found else None
