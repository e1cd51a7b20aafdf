"""The stand as a whole: up, down, and how each service is."""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msm.errors import UserError
from stack import postgres, seaweedfs, tracking
from stack.credentials import Credentials, ensure_credentials, read_credentials
from stack.environment import write_environment
from stack.place import Place, ServiceName, check_free, find_place, is_stand, make_place
from stack.processes import find, stop
from stack.service import Service, State, state

START_SECONDS = 300.0  # MLflow's first start takes 20 s of a quiet machine, most of it migrations
SILENT_SECONDS = 10.0
_POLL_SECONDS = 0.3
Say = Callable[[str], None]


def up(folder: Path, first_port: int | None = None, say: Say = print) -> Place:
    """Start what does not run, repair what does not answer, and leave the rest alone.

    Args:
        folder: the stand's; made on first use.
        first_port: of ten in a row; None keeps those of the stand.
        say: takes a line whenever a service is started.

    Raises:
        UserError: a program is not installed, a port is taken, or a service does not come up.
    """
    _check_ports_stay(find_place(folder), first_port)
    place = make_place(folder, first_port)
    with _alone(place):
        credentials = ensure_credentials(place)
        write_environment(place, credentials)
        for service in _services(place, credentials):
            _raise(service, say)
    return place


def down(folder: Path, say: Say = print) -> None:
    """End all services, in whatever state they are; their data stay.

    Raises:
        UserError: one of them cannot be ended; the others are.
    """
    place = find_place(folder)
    faults = []
    for name in reversed(ServiceName):
        try:
            if stop(place, name):
                say(f"{name}: stopped")
        except UserError as fault:
            faults.append(str(fault))
    seaweedfs.remove_sockets(place)
    if faults:
        raise UserError("; ".join(faults))


def delete(folder: Path, say: Say = print) -> None:
    """End all services and remove the stand's folder, with its data and secrets."""
    down(folder, say)
    place = find_place(folder)
    if is_stand(place.folder):
        shutil.rmtree(place.folder)


def look(folder: Path) -> list[tuple[Service, State]]:
    """Each service of a stand, and how it is.

    Raises:
        UserError: there is no stand in the folder.
    """
    place = find_place(folder)
    return [(service, state(service)) for service in _services(place, read_credentials(place))]


def _services(place: Place, credentials: Credentials) -> list[Service]:
    """In the order in which they start: the last one needs the others."""
    return [module.service(place, credentials) for module in (postgres, seaweedfs, tracking)]


def _check_ports_stay(found: Place, first_port: int | None) -> None:
    if first_port in (None, found.first_port):
        return
    if any(find(found, name) for name in ServiceName):
        raise UserError(
            f"the stand runs on the ports from {found.first_port} on; end it before it takes "
            "others: make stack-down"
        )


@contextmanager
def _alone(place: Place) -> Iterator[None]:
    """One at a time: a second caller waits, and finds everything up."""
    with (place.folder / "lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _raise(service: Service, say: Say) -> None:
    if find(service.place, service.name) and not _wait(service, SILENT_SECONDS):
        say(f"{service.title} runs, but does not answer: it is started anew")
        stop(service.place, service.name)
    if not find(service.place, service.name):
        for port in service.ports:
            check_free(port)
        say(f"{service.title} starts")
        service.launch()
        if not _wait(service, START_SECONDS):
            stop(service.place, service.name)
            raise UserError(
                f"{service.title} does not come up; its log says why: "
                f"{service.place.log(service.name)}"
            )
    service.furnish()


def _wait(service: Service, seconds: float) -> bool:
    """Whether it answers within so many seconds; not waited for when its processes are gone."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if service.answers():
            return True
        if not find(service.place, service.name):
            return False
        time.sleep(_POLL_SECONDS)
    return False
