"""The run of one checkpoint: how it was trained, on what, and what it scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from msm.registry.data_sets import asked_data, training_data
from msm.registry.evidence import Evidence
from msm.registry.links import dvc_links, log_links
from msm.registry.models import ensure_model
from msm.registry.points import evaluation_points, training_points
from msm.registry.runs import complete_run, ensure_run, log_file_set, log_lineage, log_values
from msm.registry.sources import PAIRS, Checkpoint, Source, Sources, flatten
from msm.registry.tracker import Tracker

RECORD = "record.json"


@dataclass(frozen=True)
class Logged:
    """A checkpoint's run and LoggedModel."""

    run_id: str
    model_id: str


def log_checkpoint(
    tracker: Tracker,
    checkpoint: Checkpoint,
    sources: Sources,
    evidence: Evidence,
    parent: str,
    before: Mapping[str, Logged],
) -> Logged:
    """Log a checkpoint as a run below ``parent``, and as a LoggedModel at its step.

    A run that is there is reused, and brought up to the present report if it was completed with
    another one. ``before`` holds the checkpoints logged so far.
    """
    source, report = checkpoint.source, sources.report.subject.identity
    tags = _tags(checkpoint)
    links = {**dvc_links(source), **log_links(checkpoint.evaluations)}
    run_id, completed_with = ensure_run(
        tracker, source.subject, source.started, {**tags, **links, "mlflow.parentRunId": parent}
    )
    params = _params(source)
    model_id = ensure_model(tracker, source.subject, run_id, {**tags, **links}, params)
    if completed_with != report:
        trained_on = training_data(source, sources)
        continued = before.get(checkpoint.continued or "")
        log_values(
            tracker,
            run_id,
            [
                *training_points(source, trained_on[0] if trained_on else None),
                *evaluation_points(checkpoint, sources, evidence),
            ],
            model_id,
            params,
        )
        log_lineage(
            tracker,
            run_id,
            [*trained_on, *asked_data(checkpoint)],
            continued.model_id if continued else None,
            model_id,
            checkpoint.steps,
        )
        log_file_set(tracker, run_id, _records(checkpoint))
        complete_run(tracker, run_id, report, source.ended)
    return Logged(run_id, model_id)


def _records(checkpoint: Checkpoint) -> dict[str, Path]:
    """The records of the checkpoint and of its evaluations, by where they go."""
    found = {f"train/{RECORD}": checkpoint.source.folder / RECORD}
    for suite, made in checkpoint.evaluations.items():
        place = "evaluate" if suite == PAIRS else f"evaluate/{suite}"
        found[f"{place}/{RECORD}"] = made.folder / RECORD
    return found


def _tags(checkpoint: Checkpoint) -> dict[str, str]:
    result, commit = checkpoint.result, checkpoint.source.commit
    tags = {
        "msm.arm": result.arm,
        "msm.spec": result.spec,
        "msm.seed": str(result.seed),
        "msm.phase": str(checkpoint.source.record.config.get("phase", "")),
        "msm.commit": commit,
        "mlflow.source.name": "msm",
        "mlflow.source.git.commit": commit.removesuffix("-dirty"),
    }
    return {key: value for key, value in tags.items() if value}


def _params(source: Source) -> dict[str, str]:
    """The training config, the start model, and what of the outcome is no number."""
    record = source.record
    student = record.inputs.get("student")
    outcome = {k: v for k, v in record.outcome.summary.items() if isinstance(v, str)}
    start = {"name": Path(student.path).name, "digest": student.digest} if student else {}
    flat = flatten({**record.config, "outcome": outcome, "student": start})
    return {key: str(value) for key, value in flat.items() if key}
