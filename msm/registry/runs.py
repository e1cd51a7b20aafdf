"""Writing to runs: values, data sets, lineage and files. Every call here can be repeated."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

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

METRICS_PER_CALL = 1000  # MLflow's limits on one call
PARAMS_PER_CALL = 100
DIGEST_LENGTH = 36
COMPLETE = "msm.complete"  # a run's last tag: the identity of the report it was completed with

_T = TypeVar("_T")


@dataclass(frozen=True)
class Point:
    """One value of a metric. The same value at the same ``time`` (ms) and step is kept once."""

    key: str
    value: float
    time: int
    step: int = 0


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
    run = tracker.runs.get(key) or tracker.live.pop(live_key(tags), None)
    if run is None:
        run = tracker.client.create_run(tracker.experiment_id, started, tags, subject.name)
        tracker.runs[key] = run
        return str(run.info.run_id), ""
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


def log_params(tracker: Tracker, run_id: str, params: Mapping[str, str]) -> None:
    """Log the params that are not there yet."""
    present = tracker.client.get_run(run_id).data.params
    missing = [Param(key, value) for key, value in params.items() if key not in present]
    for chunk in _chunks(missing, PARAMS_PER_CALL):
        tracker.client.log_batch(run_id, params=chunk, synchronous=True)


def log_points(
    tracker: Tracker,
    run_id: str,
    points: Sequence[Point],
    model_id: str | None = None,
    on: DataSet | None = None,
) -> None:
    """Log metrics, linked to a model and to a data set where given."""
    name, digest = (on.name, on.short_digest) if on else (None, None)
    metrics = [
        Metric(point.key, point.value, point.time, point.step, model_id, name, digest)
        for point in points
    ]
    for chunk in _chunks(metrics, METRICS_PER_CALL):
        tracker.client.log_batch(run_id, metrics=chunk, synchronous=True)


def log_lineage(
    tracker: Tracker, run_id: str, data: Sequence[DataSet], read: str | None, made: str
) -> None:
    """Log a run's data sets, the model it started from, if any, and the model it made."""
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
    outputs = tracker.client.get_run(run_id).outputs
    present = [model.model_id for model in outputs.model_outputs] if outputs else []
    if made not in present:
        tracker.client.log_outputs(run_id, [LoggedModelOutput(made, 0)])


def log_files(tracker: Tracker, run_id: str, path: Path, under: str | None = None) -> None:
    """Copy a file, or the files of a folder, to a run's artifacts."""
    log = tracker.client.log_artifacts if path.is_dir() else tracker.client.log_artifact
    log(run_id, str(path), under)


def _chunks(items: Sequence[_T], size: int) -> list[Sequence[_T]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
