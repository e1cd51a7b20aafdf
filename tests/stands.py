"""A stand of its own for a test: on free ports, in a folder that PostgreSQL's user may enter."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from msm.errors import UserError
from stack.place import HOST, Place, Port
from stack.postgres import find_programs
from stack.stand import delete, up


def _postgres_is_missing() -> bool:
    try:
        find_programs()
    except UserError:
        return True
    return False


needs_postgres = pytest.mark.skipif(_postgres_is_missing(), reason="PostgreSQL is not installed")


@contextmanager
def temporary_stand() -> Iterator[Place]:
    """A stand that is up, and gone afterwards."""
    with stand_folder() as folder:
        yield up(folder, free_block(), say=_nothing)


@contextmanager
def stand_folder() -> Iterator[Path]:
    """The folder of a stand yet to be made; pytest's own folders are closed to other users."""
    parent = Path(tempfile.mkdtemp(prefix="msm-stand-"))
    parent.chmod(0o711)
    folder = parent / "stand"
    try:
        yield folder
    finally:
        delete(folder, say=_nothing)
        shutil.rmtree(parent)


def free_block() -> int:
    """The first of as many free ports in a row as a stand takes."""
    while True:
        with socket.create_server((HOST, 0)) as found:
            first = int(found.getsockname()[1])
        if all(_is_free(first + port) for port in Port):
            return first


def _is_free(port: int) -> bool:
    try:
        with socket.create_server((HOST, port)):
            return True
    except OSError:
        return False


def _nothing(_: str) -> None:
    pass
