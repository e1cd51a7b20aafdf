"""The run of one checkpoint: how it was trained, on what, and what it scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msm.registry.evidence import Evidence, arm_metrics, suite_metrics
from msm.registry.models import ensure_model
from msm.registry.runs import (
    DataSet,
    Point,
    complete_run,
    ensure_run,
    log_files,
    log_lineage,
    log_params,
    log_points,
)
from msm.registry.sources import SUITE, Checkpoint, Source, Sources, flatten
from msm.registry.tracker import Tracker
from msm.table import read_table

CURVE = "curve.csv"  # as msm.training.train writes it; that module would bring torch along


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
    """Log a checkpoint as a run below ``parent``, and as a LoggedModel.

    A run that is there is reused, and brought up to the present report if it was completed with
    another one. ``before`` holds the checkpoints logged so far.
    """
    source, report = checkpoint.source, sources.report.subject.identity
    tags = _tags(checkpoint)
    run_id, completed_with = ensure_run(
        tracker, source.subject, source.started, {**tags, "mlflow.parentRunId": parent}
    )
    params = _params(source)
    model_id = ensure_model(tracker, source.subject, run_id, tags, params)
    if completed_with != report:
        data = _training_data(source, sources)
        suite = _suite(checkpoint.scores.source) if checkpoint.scores else None
        continued = before.get(checkpoint.continued or "")
        log_params(tracker, run_id, params)
        log_points(tracker, run_id, _training_points(source), model_id, data[0] if data else None)
        log_points(tracker, run_id, _score_points(checkpoint, sources, evidence), model_id, suite)
        log_lineage(
            tracker,
            run_id,
            [*data, *([suite] if suite else [])],
            continued.model_id if continued else None,
            model_id,
        )
        for made in (source, checkpoint.scores.source if checkpoint.scores else None):
            if made:
                log_files(tracker, run_id, made.folder / "record.json", made.record.stage)
        complete_run(tracker, run_id, report, source.ended)
    return Logged(run_id, model_id)


def _tags(checkpoint: Checkpoint) -> dict[str, str]:
    result, commit = checkpoint.result, checkpoint.source.commit
    tags = {
        "msm.arm": result.arm,
        "msm.spec": result.spec,
        "msm.seed": str(result.seed),
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


def _training_points(source: Source) -> list[Point]:
    rows = read_table(source.folder / CURVE)
    pace = (source.ended - source.started) / max(1, len(rows))
    points = [
        Point(f"train/{key}", float(row[key]), round(source.started + pace * number), number)
        for number, row in enumerate(rows, start=1)
        for key in ("loss", "learning_rate")
    ]
    record = source.record
    figures: Mapping[str, Any] = {
        **record.outcome.summary,
        "tokens": record.outcome.tokens,
        "rows": record.outcome.rows_in,
        "seconds": record.seconds,
    }
    return points + [
        Point(f"train/{key}", float(value), source.ended)
        for key, value in figures.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]


def _score_points(checkpoint: Checkpoint, sources: Sources, evidence: Evidence) -> list[Point]:
    """This seed's means, then the report's figures of its arm over all seeds."""
    own = []
    if checkpoint.scores is not None:
        ended = checkpoint.scores.source.ended
        own = [
            Point(f"score/{axis}/{frame}", mean, ended)
            for (axis, frame), mean in checkpoint.scores.means.items()
        ]
    pairs = [arm_metrics(row) for row in evidence.of(checkpoint.result)]
    suites = [suite_metrics(row) for row in evidence.suites_of(checkpoint.result)]
    arm = [
        Point(key, value, sources.report.ended)
        for found in (*pairs, *suites)
        for key, value in found.items()
    ]
    return [*own, *arm]


def _training_data(source: Source, sources: Sources) -> list[DataSet]:
    """The corpus, or the chats, that a checkpoint was trained on."""
    found = []
    for role, item in sorted(source.record.inputs.items()):
        if role != "corpus" and not role.startswith("chats-"):
            continue
        made = sources.data.get(item.identity or "")
        outcome = made.record.outcome if made else None
        found.append(
            DataSet(
                name=made.subject.output if made else role,
                digest=item.digest,
                source={"role": role, "identity": item.identity, "digest": item.digest},
                profile=(
                    {"rows": outcome.rows_out, "dropped": dict(outcome.dropped)} if outcome else {}
                ),
                context="training",
            )
        )
    return found


def _suite(scores: Source) -> DataSet | None:
    item = scores.record.inputs.get(SUITE)
    if item is None:
        return None
    return DataSet(
        name=Path(item.path).name,
        digest=item.digest,
        source={"role": SUITE, "digest": item.digest},
        profile={"rows": scores.record.outcome.rows_out},
        context="evaluation",
    )
