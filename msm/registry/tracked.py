"""What MLflow holds of an experiment, read for an audit; nothing is made or changed."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msm.errors import UserError
from msm.identity import digest_file
from msm.registry.client import MlflowClient, MlflowException
from msm.registry.server import (
    URI_VARIABLE,
    check_reachable,
    database_file,
    environment,
    fault_reason,
    public_uri,
)

_ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
_DELETED = "Deleted_Internal"


@dataclass(frozen=True)
class TrackedData:
    """A data set of a run: its name, its digest as far as MLflow takes it, and its source."""

    name: str
    digest: str
    source: Mapping[str, Any]


@dataclass(frozen=True)
class Tracked:
    """A run, a LoggedModel or a version: what it is called, its tags, and what it points to.

    ``run_id`` is the run behind it, ``model_id`` the LoggedModel behind a version.
    """

    name: str
    tags: Mapping[str, str]
    run_id: str
    model_id: str = ""
    data: tuple[TrackedData, ...] = ()


class Tracking:
    """An open tracking store. What is not in it is None."""

    def __init__(self, client: Any, uri: str) -> None:
        self._client, self._uri = client, uri

    def run(self, run_id: str) -> Tracked | None:
        """A run that is there and not deleted."""
        found = self._asked(lambda: self._client.get_run(run_id))
        if found is None or found.info.lifecycle_stage != "active":
            return None
        inputs = found.inputs.dataset_inputs if found.inputs else []
        data = tuple(
            TrackedData(str(item.name), str(item.digest), _source(str(item.source)))
            for item in (given.dataset for given in inputs)
        )
        return Tracked(f"run {run_id}", dict(found.data.tags), run_id, data=data)

    def model(self, model_id: str) -> Tracked | None:
        """A LoggedModel."""
        found = self._asked(lambda: self._client.get_logged_model(model_id))
        if found is None:
            return None
        tags, run_id = dict(found.tags), str(found.source_run_id or "")
        return Tracked(f"models:/{model_id}", tags, run_id, model_id)

    def version(self, name: str, number: str) -> Tracked | None:
        """A version of a registered model that is there and not deleted."""
        found = self._asked(lambda: self._client.get_model_version(name, number))
        if found is None or found.current_stage == _DELETED:
            return None
        model_id = str(found.source or "").removeprefix("models:/")
        return Tracked(
            f"models:/{name}/{number}", dict(found.tags), str(found.run_id or ""), model_id
        )

    def run_files(self, run_id: str, under: str) -> Mapping[str, str]:
        """SHA-256 of a run's artifacts below a path, by name, as MLflow gives them out."""
        with tempfile.TemporaryDirectory() as folder:
            if not self._client.list_artifacts(run_id, under):
                return {}
            self._client.download_artifacts(run_id, under, folder)
            return _digests(Path(folder) / under)

    def model_files(self, model_id: str) -> Mapping[str, str]:
        """The same of a LoggedModel's files."""
        from mlflow.artifacts import download_artifacts

        with tempfile.TemporaryDirectory() as folder:
            if not self._client.list_logged_model_artifacts(model_id):
                return {}
            place = download_artifacts(
                artifact_uri=f"models:/{model_id}", dst_path=folder, tracking_uri=self._uri
            )
            return _digests(Path(place))

    def _asked(self, ask: Any) -> Any:
        try:
            return ask()
        except MlflowException as error:
            if error.error_code in _ABSENT:
                return None
            raise


@contextmanager
def open_tracking(uri: str) -> Iterator[Tracking]:
    """Open a tracking store that is there; none is made.

    Raises:
        UserError: it is not there, cannot be reached, or fails on the way.
    """
    file = database_file(uri)
    if file is not None and not file.exists():
        raise UserError(f"there is no MLflow store {file}")
    check_reachable(uri)
    with environment({URI_VARIABLE: uri}):
        try:
            yield Tracking(MlflowClient(uri, uri), uri)
        except (MlflowException, OSError) as error:
            raise UserError(
                f"MLflow at {public_uri(uri)} failed on the way: {fault_reason(str(error))}"
            ) from None


def files_by_end(names: Collection[str], wanted: str) -> str:
    """The shortest of the names that is ``wanted``, or ends with it behind a slash; "" if none."""
    found = [name for name in names if name == wanted or name.endswith(f"/{wanted}")]
    return min(found, key=len, default="")


def _source(text: str) -> Mapping[str, Any]:
    try:
        source = json.loads(text)
    except ValueError:
        return {}
    return source if isinstance(source, dict) else {}


def _digests(place: Path) -> dict[str, str]:
    if place.is_file():
        return {place.name: digest_file(place)}
    return {
        path.relative_to(place).as_posix(): digest_file(path)
        for path in sorted(place.rglob("*"))
        if path.is_file()
    }
