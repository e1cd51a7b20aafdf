"""Where a stand keeps its things, and which ports it takes."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from pathlib import Path

from msm.errors import UserError

HOST = "127.0.0.1"
FIRST_PORT = 15500  # the default; nothing else that is known listens on these
HIGHEST_PORT = 65535


class Port(IntEnum):
    """What listens where, counted from a stand's first port."""

    MLFLOW = 0
    S3 = 1
    POSTGRES = 2
    FILER = 3
    MASTER = 4
    VOLUME = 5
    S3_GRPC = 6
    FILER_GRPC = 7
    MASTER_GRPC = 8
    VOLUME_GRPC = 9


class ServiceName(StrEnum):
    """The services, in the order in which they start."""

    POSTGRES = "postgres"
    S3 = "s3"
    MLFLOW = "mlflow"


@dataclass(frozen=True)
class Place:
    """A stand's folder, absolute, and the first of its ports."""

    folder: Path
    first_port: int

    def port(self, port: Port) -> int:
        """The number of a port."""
        return self.first_port + port

    def url(self, port: Port) -> str:
        """The http address of what listens on a port."""
        return f"http://{HOST}:{self.port(port)}"

    def home(self, name: ServiceName) -> Path:
        """The folder of one service; nobody else reads it."""
        return self.folder / name

    def log(self, name: ServiceName) -> Path:
        """What a service writes while it runs."""
        return self.folder / "logs" / f"{name}.log"


def find_place(folder: Path) -> Place:
    """The stand in a folder, with the ports it was made for; the default ones if there is none."""
    folder = folder.absolute()
    return Place(folder, int(_file(folder).read_text()) if is_stand(folder) else FIRST_PORT)


def is_stand(folder: Path) -> bool:
    """Whether a folder is a stand's."""
    return _file(folder).exists()


def make_place(folder: Path, first_port: int | None = None) -> Place:
    """Make the folders of a stand, or find them; None keeps the ports that it has.

    Raises:
        UserError: the ports are no such numbers, or the folder holds something else.
    """
    if first_port is not None and not 1024 <= first_port <= HIGHEST_PORT - max(Port):
        raise UserError(
            f"port {first_port}: choose one from 1024 to {HIGHEST_PORT - max(Port)}; "
            f"the {len(Port)} ports from there on are taken"
        )
    found = find_place(folder)
    place = Place(found.folder, first_port or found.first_port)
    if not is_stand(folder) and folder.is_dir() and any(folder.iterdir()):
        raise UserError(f"{folder} holds something else; give the stand a folder of its own")
    # Root's PostgreSQL runs as another user, who must get through to its folder, but no further.
    _make_folder(place.folder, 0o711 if os.geteuid() == 0 else 0o700)
    write_private(_file(folder), f"{place.first_port}\n")  # first: it marks the folder as ours
    _make_folder(place.folder / "logs", 0o700)
    for name in ServiceName:
        _make_folder(place.home(name), 0o700)
    return place


def check_free(port: int) -> None:
    """Raises UserError: somebody listens on the port already."""
    try:
        with socket.create_server((HOST, port)):
            return
    except OSError as error:
        raise UserError(
            f"port {port} of {HOST} is taken ({error.strerror}); end what listens there (see "
            f"`ss -ltnp`), or take other ports: make stack PORT={FIRST_PORT + 100}"
        ) from None


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone reads; it is there whole, or as it was."""
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.rename(path)


def _file(folder: Path) -> Path:
    return folder / "first-port"


def _make_folder(path: Path, mode: int) -> None:
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(mode)
