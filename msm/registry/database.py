"""The SQLite store, made whole: MLflow's migrations run aside, and the file is moved into place.

A file that was killed half through the migrations can never be opened again (MLflow 3.17.2). Made
aside it needs no flush to disk for each step either, which takes them from 6 s to 0.6 s.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from msm.registry.client import SqlAlchemyStore
from msm.registry.server import artifact_root, database_file

# Alembic keeps the migration at work in globals: two at once in one process spoil each other.
_migrating = threading.Lock()


def make_database(uri: str) -> None:
    """Make the file of a SQLite store, if the store is one and has none."""
    file = database_file(uri)
    if file is None or file.exists():
        return
    with _migrating, file.with_name(f".{file.name}.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if file.exists():
            return
        partial = file.with_name(f".{file.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        made = partial / file.name
        with _without_flushes():
            store = SqlAlchemyStore(f"sqlite:///{made}", artifact_root(uri))
        store.engine.dispose()
        with made.open("rb") as written:
            os.fsync(written.fileno())
        made.rename(file)
        partial.rmdir()


@contextmanager
def _without_flushes() -> Iterator[None]:
    """SQLite connections opened meanwhile leave flushing to the operating system."""

    def relax(connection: Any, _: Any) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA synchronous=OFF")

    event.listen(Engine, "connect", relax)
    try:
        yield
    finally:
        event.remove(Engine, "connect", relax)
