"""A client of a tracking store that is there already: what only reads makes none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from msm.errors import UserError
from msm.registry.client import MlflowClient
from msm.registry.database import make_database
from msm.registry.server import URI_VARIABLE, check_reachable, database_file, environment


@contextmanager
def open_present(uri: str) -> Iterator[Any]:
    """MLflow's client; its own faults are the caller's to tell.

    Artifacts and models are looked up through the process-wide store, so that is set too.

    Raises:
        UserError: the store is not there, or cannot be reached.
    """
    file = database_file(uri)
    if file is not None and not file.exists():
        raise UserError(f"there is no MLflow store {file}; name another --workspace, or register")
    check_reachable(uri)
    with environment({URI_VARIABLE: uri}):
        make_database(uri)
        yield MlflowClient(uri, uri)
