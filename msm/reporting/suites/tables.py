"""The suites' figures for other programs: CSV rows, and nested figures for ``metrics.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msm.evals.items import slug
from msm.evals.measurement import Role
from msm.reporting.suites.comparisons import WORD_PAIRS, Comparison, Kind
from msm.reporting.suites.levels import Level
from msm.reporting.suites.view import SuitesView
from msm.reporting.tables import rounded, slugs
from msm.table import write_table


def write_tables(view: SuitesView, out: Path) -> None:
    """Write every table; shares are from 0 to 1, and an empty cell is a figure that is not there.

    ``costs.csv`` alone depends on machine and day.
    """
    write_table(out / "suites.csv", level_table(view.levels))
    write_table(out / "comparisons.csv", comparison_table(view))
    write_table(out / "cells.csv", cell_table(view))
    write_table(out / "scaling.csv", scaling_table(view))
    write_table(out / "expected.csv", expected_table(view))
    write_table(
        out / "missing.csv", [{"what": item.what, "why": item.why} for item in view.missing]
    )
    write_table(
        out / "costs.csv",
        [{**vars(cost), "seconds": round(cost.seconds, 3)} for cost in view.costs],
    )


def level_table(levels: Sequence[Level]) -> list[dict[str, Any]]:
    """One row for each suite, measure and arm."""
    return [
        {
            "suite": level.suite,
            "measure": level.measure.name,
            "role": level.measure.role.value,
            "unit": level.measure.unit.value,
            "better": level.measure.better.value,
            "arm": level.key.arm,
            "spec": level.key.spec,
            "value": _or_empty(level.value),
            "low": _or_empty(level.interval.low if level.interval else None),
            "high": _or_empty(level.interval.high if level.interval else None),
            "graded": level.graded,
            "ungraded": level.ungraded,
            "worst_low": _or_empty(level.worst.low if level.worst else None),
            "worst_high": _or_empty(level.worst.high if level.worst else None),
            "items": level.items,
            "items_left_out": level.left_out,
            "clusters": level.clusters,
            "seeds": ";".join(map(str, level.seeds)),
            "by_seed": ";".join(str(rounded(value)) for value in level.by_seed),
        }
        for level in levels
    ]


def comparison_table(view: SuitesView) -> list[dict[str, Any]]:
    """One row for each comparison of the report, those on word pairs last; ``p_holm`` over all."""
    rows: list[dict[str, Any]] = [
        {
            "suite": item.suite,
            "measure": item.measure.name,
            "kind": item.kind.value,
            "comparison": item.label,
            "headline": int(item.headline),
            "unit": item.measure.unit.value,
            **_figures(item),
            "reading": item.reading.value,
            "p": rounded(item.estimate.p),
            "p_holm": rounded(item.adjusted),
            "ungraded": item.ungraded,
            "items": item.estimate.items,
            "items_left_out": item.left_out,
            "seeds": item.estimate.seeds,
        }
        for item in view.comparisons
    ]
    rows += [
        {
            "suite": WORD_PAIRS,
            "measure": result.contrast.frame,
            "kind": Kind.CONTRAST.value,
            "comparison": result.contrast.label,
            "headline": int(result.contrast.headline),
            "unit": "nats",
            "estimate": rounded(result.overall.value),
            "low": rounded(result.overall.low),
            "high": rounded(result.overall.high),
            "reading": str(result.overall.sign),
            "p": rounded(result.overall.p),
            "p_holm": rounded(adjusted),
            "ungraded": 0,
            "items": result.overall.items,
            "items_left_out": 0,
            "seeds": result.overall.seeds,
        }
        for result, adjusted in view.beside
    ]
    return rows


def cell_table(view: SuitesView) -> list[dict[str, Any]]:
    """One row for each cell of the agentic suite, measure and arm; over all seeds."""
    return [
        {
            "measure": heat.measure.name,
            "arm": block.key.arm,
            "spec": block.key.spec,
            "action": cell.action.value,
            "goal": cell.goal.value,
            "share": _or_empty(cell.share),
            "yes": cell.yes,
            "graded": cell.graded,
            "ungraded": cell.ungraded,
        }
        for heat in view.heat
        for block in heat.blocks
        for row in block.rows
        for cell in row
        if cell is not None
    ]


def scaling_table(view: SuitesView) -> list[dict[str, Any]]:
    """One row for each point; the saving, of both curves, stands in each of its rows."""
    return [
        {
            "scaling": result.label,
            "suite": result.suite,
            "measure": result.measure.name,
            "curve": curve.name,
            "arm": str(key),
            "rows": point.rows,
            "rate": rounded(point.rate),
            "low": rounded(point.interval.low),
            "high": rounded(point.interval.high),
            "read_at": result.rate,
            "factor": _or_empty(result.saving.factor),
            "factor_low": _or_empty(result.saving.interval and result.saving.interval.low),
            "factor_high": _or_empty(result.saving.interval and result.saving.interval.high),
        }
        for result in view.scaling
        for curve in result.curves
        for key, point in zip(curve.keys, curve.points, strict=True)
    ]


def expected_table(view: SuitesView) -> list[dict[str, Any]]:
    """One row for each published figure."""
    return [
        {
            "suite": item.expected.suite,
            "measure": item.expected.measure,
            "arm": item.expected.arm,
            "expected": item.expected.value,
            "source": item.expected.source,
            "ours": _or_empty(item.ours),
            "low": _or_empty(item.interval.low if item.interval else None),
            "high": _or_empty(item.interval.high if item.interval else None),
            "place": item.place.value,
        }
        for item in view.expected
    ]


def suite_metrics(view: SuitesView) -> dict[str, Any]:
    """``suites`` by suite, measure and arm, and ``comparisons`` by label; n = graded samples."""
    arms = view.suites.arms
    names = dict(zip(arms, slugs([str(key) for key in arms]), strict=True))
    suites: dict[str, Any] = {}
    for level in view.levels:
        if level.value is None or level.measure.role is Role.DETAIL:
            continue
        figures: dict[str, float] = {"estimate": rounded(level.value), "n": level.graded}
        if level.interval:
            figures |= {"low": rounded(level.interval.low), "high": rounded(level.interval.high)}
        of_suite = suites.setdefault(slug(level.suite), {})
        of_suite.setdefault(slug(level.measure.name), {})[names[level.key]] = figures
    chosen = [item for item in view.comparisons if item.measure.role is Role.MAIN]
    labels = slugs([f"{item.suite} {item.measure.name} {item.label}" for item in chosen])
    compared = {
        label: {**_figures(item), "p_holm": rounded(item.adjusted)}
        for label, item in zip(labels, chosen, strict=True)
    }
    return {"suites": suites, "comparisons": compared}


def _figures(item: Comparison) -> Mapping[str, float]:
    return {
        "estimate": rounded(item.estimate.value),
        "low": rounded(item.estimate.low),
        "high": rounded(item.estimate.high),
    }


def _or_empty(value: float | None) -> float | str:
    return "" if value is None else rounded(value)
