"""The figures for other programs: CSV rows, and the nested dict that ``dvc metrics`` compares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msm.evals.items import slug
from msm.evals.statistics import Estimate
from msm.reporting.arms import ArmRow
from msm.reporting.contrasts import ContrastResult

BOTH = "all axes"
DIGITS = 6


def arm_table(arms: Iterable[ArmRow]) -> list[dict[str, Any]]:
    """One row for each arm, axis and frame; means in nats, shares from 0 to 1."""
    return [
        {
            "arm": arm.key.arm,
            "spec": arm.key.spec,
            "axis": cell.axis,
            "frame": cell.frame,
            "mean": rounded(cell.mean.value),
            "low": rounded(cell.mean.low),
            "high": rounded(cell.mean.high),
            "share_won": rounded(cell.share.value),
            "share_low": rounded(cell.share.low),
            "share_high": rounded(cell.share.high),
            "pairs_won": cell.pairs_won,
            "pairs": cell.pairs,
            "items": cell.mean.items,
            "seeds": cell.mean.seeds,
        }
        for arm in arms
        for cell in arm.cells
    ]


def contrast_table(contrasts: Iterable[ContrastResult]) -> list[dict[str, Any]]:
    """One row for each contrast over all axes, then one for each axis; figures in nats."""
    return [
        {
            "contrast": result.contrast.label,
            "frame": result.contrast.frame,
            "axis": axis,
            "headline": int(result.contrast.headline),
            "derived": int(result.derived),
            "estimate": rounded(estimate.value),
            "low": rounded(estimate.low),
            "high": rounded(estimate.high),
            "pairs": estimate.clusters,
            "items": estimate.items,
            "seeds": estimate.seeds,
            "by_seed": ";".join(str(rounded(value)) for value in estimate.by_seed),
            "reading": str(estimate.sign),
        }
        for result in contrasts
        for axis, estimate in ((BOTH, result.overall), *result.axes)
    ]


def metrics(arms: Sequence[ArmRow], contrasts: Sequence[ContrastResult]) -> dict[str, Any]:
    """Nested figures for ``dvc metrics``: ``contrasts`` and ``arms`` by slug; n = word pairs."""
    labels = slugs([result.contrast.label for result in contrasts])
    keys = slugs([str(arm.key) for arm in arms])
    return {
        "contrasts": {
            name: {
                **figures_of(result.overall),
                "axes": {slug(axis): figures_of(part) for axis, part in result.axes},
            }
            for name, result in zip(labels, contrasts, strict=True)
        },
        "arms": {
            name: {
                slug(f"{cell.axis} {cell.frame}"): {
                    **figures_of(cell.mean),
                    "share": figures_of(cell.share),
                }
                for cell in arm.cells
            }
            for name, arm in zip(keys, arms, strict=True)
        },
    }


def figures_of(estimate: Estimate) -> dict[str, float]:
    """Estimate and interval, and n: the number of word pairs."""
    return {
        "estimate": rounded(estimate.value),
        "low": rounded(estimate.low),
        "high": rounded(estimate.high),
        "n": estimate.clusters,
    }


def slugs(names: Sequence[str]) -> list[str]:
    """A slug for each name; a repeated one gets a number, so that no figure is lost."""
    taken: list[str] = []
    for name in names:
        base = slug(name) or "unnamed"
        choice, number = base, 2
        while choice in taken:
            choice, number = f"{base}-{number}", number + 1
        taken.append(choice)
    return taken


def rounded(value: float) -> float:
    """A figure as all tables give it."""
    return round(value, DIGITS) + 0.0  # no negative zero
