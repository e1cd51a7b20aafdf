"""What is logged of a checkpoint as metrics: its training, and what was measured of it.

Figures of an evaluation stand at the checkpoint's own step, and name the data set they are from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msm.analysis import Analysis
from msm.registry.data_sets import evaluation_data
from msm.registry.evidence import Evidence, arm_metrics, metric_name, suite_metrics
from msm.registry.runs import DataSet, Point
from msm.registry.sources import PAIRS, Checkpoint, Measured, Source, Sources
from msm.reporting.suites.levels import describe_levels
from msm.reporting.suites.loading import ROLE, load_suites
from msm.table import read_table

CURVE = "curve.csv"  # as msm.training.train writes it; that module would bring torch along


def training_points(source: Source, on: DataSet | None) -> list[Point]:
    """The curve at its steps, and the figures of the record at the last."""
    rows = read_table(source.folder / CURVE)
    pace = (source.ended - source.started) / max(1, len(rows))
    points = [
        Point(f"train/{key}", float(row[key]), round(source.started + pace * number), number, on)
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
        Point(f"train/{key}", float(value), source.ended, len(rows), on)
        for key, value in figures.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]


def evaluation_points(checkpoint: Checkpoint, sources: Sources, evidence: Evidence) -> list[Point]:
    """This seed's figures with intervals, then the report's of its arm over all seeds."""
    data = evaluation_data(checkpoint)
    found = [*_scores(checkpoint, data.get(PAIRS))]
    for suite, measured in checkpoint.measured.items():
        found += _of_suite(suite, measured, checkpoint.steps, sources.report, data.get(suite))
    at = sources.report.ended
    rows = [
        *((arm_metrics(row), data.get(PAIRS)) for row in evidence.of(checkpoint.result)),
        *(
            (suite_metrics(row), data.get(row["suite"]))
            for row in evidence.suites_of(checkpoint.result)
        ),
    ]
    return found + [
        Point(key, value, at, checkpoint.steps, on)
        for metrics, on in rows
        for key, value in metrics.items()
    ]


def _scores(checkpoint: Checkpoint, on: DataSet | None) -> Iterator[Point]:
    scores = checkpoint.scores
    if scores is not None:
        for (axis, frame), mean in scores.means.items():
            ended = scores.source.ended
            yield Point(f"score/{axis}/{frame}", mean, ended, checkpoint.steps, on)


def _of_suite(
    suite: str, measured: Measured, step: int, report: Source, on: DataSet | None
) -> Iterator[Point]:
    """The suite's measures on this checkpoint alone: ``seed/<suite>/<measure>/value`` and so on."""
    name, ended = measured.source.subject.name, measured.source.ended
    suites = load_suites({name: measured.result}, {f"{ROLE}{name}": measured.source.folder})
    analysis = Analysis.model_validate(report.record.config["analysis"])
    for level in describe_levels(suites, analysis):
        place = f"seed/{suite}/{metric_name(level.measure.name)}"
        figures = {
            "value": level.value,
            "low": level.interval.low if level.interval else None,
            "high": level.interval.high if level.interval else None,
            "graded": level.graded,
            "ungraded": level.ungraded,
        }
        for key, value in figures.items():
            if value is not None:
                yield Point(f"{place}/{key}", float(value), ended, step, on)
