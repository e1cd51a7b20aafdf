"""Writing to runs: values, data sets, lineage and files. Every call here can be repeated."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msm.registry.client import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
    Metric,
    Param,
    RunTag,
)
from msm.registry.tracker import Subject, Tracker, live_key, run_key

VALUES_PER_CALL = 1000  # MLflow's limits on one call: of all kinds, and of params
PARAMS_PER_CALL = 100
DIGEST_LENGTH = 36
COMPLETE = "msm.complete"  # a run's last tag: the identity of the report it was completed with


@dataclass(frozen=True)
class Point:
    """One value of a metric. The same value at the same ``time`` (ms) and step is kept once.

    ``on`` is the data set that it was measured on, if any.
    """

    key: str
    value: float
    time: int
    step: int = 0
    on: DataSet | None = None


@dataclass(frozen=True)
class DataSet:
    """A data set that a run read, and what for (``training`` or ``evaluation``)."""

    name: str
    digest: str
    source: Mapping[str, Any]
    profile: Mapping[str, Any]
    context: str

    @property
    def short_digest(self) -> str:
        """As much of the digest as MLflow takes."""
        return self.digest[:DIGEST_LENGTH]


def ensure_run(
    tracker: Tracker, subject: Subject, started: int, tags: Mapping[str, str]
) -> tuple[str, str]:
    """The run of a subject, made if need be: its id, and what it was last completed with.

    A run that the subject's training began is taken; from then on it is found by its own tags.
    """
    tags = {**tags, **subject.tags}
    key = run_key(tags)
    run = tracker.runs.get(key) or tracker.take_live(live_key(tags))
    if run is None:
        run = tracker.client.create_run(tracker.experiment_id, started, tags, subject.name)
        tracker.runs[key] = run
        return str(run.info.run_id), ""
    tracker.runs[key] = run
    present = run.data.tags
    changed = {name: value for name, value in tags.items() if present.get(name) != value}
    if changed:
        set_tags(tracker, run.info.run_id, changed)
    return str(run.info.run_id), str(present.get(COMPLETE, ""))


def complete_run(tracker: Tracker, run_id: str, report: str, ended: int) -> None:
    """Mark a run as finished, and with which report."""
    tracker.client.set_terminated(run_id, "FINISHED", ended)
    set_tags(tracker, run_id, {COMPLETE: report})


def set_tags(tracker: Tracker, run_id: str, tags: Mapping[str, str]) -> None:
    """Set a run's tags in one call."""
    items = [RunTag(name, value) for name, value in tags.items()]
    tracker.client.log_batch(run_id, tags=items, synchronous=True)


def log_values(
    tracker: Tracker,
    run_id: str,
    points: Sequence[Point],
    model_id: str | None = None,
    params: Mapping[str, str] | None = None,
) -> None:
    """Log metrics, linked to a model where given, and the params that are not there yet.

    As few calls as MLflow's limits allow: each may hold both.
    """
    present = tracker.params(run_id)
    missing = [Param(key, value) for key, value in (params or {}).items() if key not in present]
    metrics = [
        Metric(
            point.key,
            point.value,
            point.time,
            point.step,
            model_id,
            point.on.name if point.on else None,
            point.on.short_digest if point.on else None,
        )
        for point in points
    ]
    while missing or metrics:
        params_now, missing = missing[:PARAMS_PER_CALL], missing[PARAMS_PER_CALL:]
        room = VALUES_PER_CALL - len(params_now)
        metrics_now, metrics = metrics[:room], metrics[room:]
        tracker.client.log_batch(run_id, metrics=metrics_now, params=params_now, synchronous=True)


def log_lineage(
    tracker: Tracker, run_id: str, data: Sequence[DataSet], read: str | None, made: str, step: int
) -> None:
    """Log a run's data sets, the model it started from, if any, and the model it made at a step."""
    datasets = [
        DatasetInput(
            Dataset(
                item.name,
                item.short_digest,
                "msm",
                json.dumps(item.source, sort_keys=True),
                profile=json.dumps(item.profile, sort_keys=True),
            ),
            [InputTag("mlflow.data.context", item.context)],
        )
        for item in data
    ]
    tracker.client.log_inputs(run_id, datasets, [LoggedModelInput(read)] if read else [])
    if made not in tracker.outputs(run_id):
        tracker.client.log_outputs(run_id, [LoggedModelOutput(made, step)])


def log_files(tracker: Tracker, run_id: str, path: Path, under: str | None = None) -> None:
    """Copy a file, or the files of a folder, to a run's artifacts."""
    log = tracker.client.log_artifacts if path.is_dir() else tracker.client.log_artifact
    log(run_id, str(path), under)


def log_file_set(tracker: Tracker, run_id: str, files: Mapping[str, Path]) -> None:
    """Copy files to places among a run's artifacts, all in one call."""
    with tempfile.TemporaryDirectory() as folder:
        for place, path in files.items():
            copy = Path(folder, place)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        tracker.client.log_artifacts(run_id, folder)
