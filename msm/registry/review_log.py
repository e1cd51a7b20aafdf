"""Where the log of promotions lies in MLflow: an experiment and a run for each registered model.

The run's artifacts ``log/*.json`` are the entries; its params say which entry has which number.
MLflow sets a param once and for all, whichever of its stores lies below: who sets
``entry.00000007`` has the seventh place, and everybody else is told so. No other lock is needed.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from msm.errors import UserError
from msm.registry.client import MlflowException
from msm.registry.reviews import Registry
from msm.registry.server import artifact_root
from msm.registry.tracker import PAGE, all_pages

EXPERIMENT = "msm-review"
FOLDER = "log"
LOGGED = "msm.review.run"  # tag of a registered model: the run of its log
_CLAIM = "entry."
_OF_MODEL = "msm.review.model"
_PATIENCE_SECONDS = 10.0
_KEY = re.compile(rf"{re.escape(_CLAIM)}(\d{{8}})")


@dataclass(frozen=True)
class LogRun:
    """The run that keeps a model's log."""

    run_id: str
    model: str


@dataclass(frozen=True)
class Stored:
    """What a log's run holds: the hash in each place, and every entry's text by its file's name."""

    claims: Mapping[int, str]
    texts: Mapping[str, str]


def find_log(registry: Registry, model: str) -> LogRun | None:
    """The log of a model, if it was begun.

    Raises:
        UserError: it was deleted.
    """
    experiment = registry.client.get_experiment_by_name(f"{EXPERIMENT}/{model}")
    if experiment is None:
        return None
    if experiment.lifecycle_stage != "active":
        raise UserError(
            f"the log of {model} is deleted in MLflow; restore it with: mlflow experiments restore "
            f"--experiment-id {experiment.experiment_id}"
        )
    runs = all_pages(
        lambda token: registry.client.search_runs(
            [experiment.experiment_id], "", max_results=PAGE, page_token=token
        )
    )
    if not runs:
        return None
    first = min(runs, key=lambda run: (run.info.start_time, run.info.run_id))
    return LogRun(str(first.info.run_id), model)


def logged_models(registry: Registry) -> tuple[str, ...]:
    """The models that have a log, whether or not they are still registered."""
    found = all_pages(
        lambda token: registry.client.search_experiments(
            filter_string=f"name LIKE '{EXPERIMENT}/%'", max_results=PAGE, page_token=token
        )
    )
    return tuple(sorted(str(item.name).removeprefix(f"{EXPERIMENT}/") for item in found))


def begin_log(registry: Registry, model: str) -> LogRun:
    """The log of a model, begun if need be. An experiment's name is taken once: one begins it.

    Raises:
        UserError: it was deleted.
    """
    name = f"{EXPERIMENT}/{model}"
    try:
        root = artifact_root(registry.uri)
        location = f"{root.rstrip('/')}/{EXPERIMENT}/{model}" if root else None
        made = registry.client.create_experiment(name, location)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (found := find_log(registry, model)) is None and time.monotonic() < deadline:
            time.sleep(0.2)
        if found is not None:
            return found
        made = registry.client.get_experiment_by_name(name).experiment_id  # its maker was killed
    registry.client.create_run(made, tags={_OF_MODEL: model}, run_name=f"log of {model}")
    log = find_log(registry, model)
    assert log is not None
    registry.tag_model(model, LOGGED, log.run_id)
    return log


def read_log(registry: Registry, log: LogRun) -> Stored:
    """All places that are taken, and all entries that were written."""
    params = registry.client.get_run(log.run_id).data.params
    claims = {int(m[1]): str(v) for k, v in params.items() if (m := _KEY.fullmatch(str(k)))}
    texts: dict[str, str] = {}
    if registry.client.list_artifacts(log.run_id, FOLDER):
        with tempfile.TemporaryDirectory() as folder:
            place = Path(registry.client.download_artifacts(log.run_id, FOLDER, folder))
            for path in sorted(place.glob("*.json")):
                texts[path.name] = path.read_text(encoding="utf-8", errors="replace")
    return Stored(claims, texts)


def write_entry(registry: Registry, log: LogRun, name: str, text: str) -> None:
    """Write an entry's text. It counts once its place is taken for it."""
    registry.client.log_text(log.run_id, text, f"{FOLDER}/{name}")


def take_place(registry: Registry, log: LogRun, number: int, digest: str) -> bool:
    """Take a place in the log for the entry with this hash; False where another has it."""
    key = f"{_CLAIM}{number:08d}"
    try:
        registry.client.log_param(log.run_id, key, digest)
    except MlflowException as error:
        if error.error_code != "INVALID_PARAMETER_VALUE":
            raise
    taken = registry.client.get_run(log.run_id).data.params.get(key)
    return bool(taken == digest)
