"""Each arm by itself: the level of every measure, with its interval and its counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from msm.analysis import Analysis
from msm.evals.measurement import Measure, Role, Unit
from msm.evals.statistics import (
    CellCounts,
    Estimate,
    Floats,
    Interval,
    Stratum,
    estimate_expanded,
    mean_rate,
    wilson,
    within_shares,
)
from msm.reporting.scores import ArmKey
from msm.reporting.suites.samples import ArmSamples, MeasureSamples, Suites, means

DRAWS = "means over items"  # names the draws, so that all arms of a report share them


@dataclass(frozen=True)
class Level:
    """One arm's figure of one measure, over all its seeds.

    ``value`` is None where nothing was graded; ``interval`` where the items form one cluster, which
    tells nothing of others. ``graded`` and ``ungraded`` count samples; ``worst`` is the figure if
    every ungraded sample had gone one way, and if each had gone the other (rates alone).
    ``left_out`` counts items without a graded sample in every seed.
    """

    suite: str
    measure: Measure
    key: ArmKey
    value: float | None
    interval: Interval | None
    graded: int
    ungraded: int
    worst: Interval | None
    items: int
    clusters: int
    left_out: int
    seeds: tuple[int, ...]
    by_seed: tuple[float, ...]
    reasons: Mapping[str, int]


def describe_levels(suites: Suites, analysis: Analysis) -> tuple[Level, ...]:
    """The level of every measure for every arm that has it."""
    return tuple(
        _health(measured, key, samples)
        if measured.measure.role is Role.HEALTH and measured.measure.unit is Unit.SHARE
        else _level(measured, key, samples, analysis)
        for measured in suites.measures
        for key, samples in measured.arms.items()
    )


def stratum(measured: MeasureSamples, values: Floats, used: np.ndarray) -> Stratum:
    """Values [seed, used item] with the number of each item's cluster."""
    kept = [name for name, keep in zip(measured.clusters, used, strict=True) if keep]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(kept))}
    return Stratum(DRAWS, values, np.array([numbers[name] for name in kept], dtype=np.intp))


def as_counts(measured: MeasureSamples, samples: ArmSamples) -> CellCounts | None:
    """Samples of a rate as whole counts; None where a value is a share between 0 and 1."""
    yes = samples.total.astype(np.int64)
    if measured.measure.unit is not Unit.SHARE or not np.array_equal(yes, samples.total):
        return None
    return CellCounts(samples.seeds, measured.items, yes, samples.graded, samples.ungraded)


def told(estimate: Estimate) -> Interval | None:
    """The interval, where there is more than one cluster to tell it from."""
    return Interval(estimate.low, estimate.high) if estimate.clusters > 1 else None


def _level(measured: MeasureSamples, key: ArmKey, samples: ArmSamples, analysis: Analysis) -> Level:
    used = samples.graded.min(axis=0) > 0
    if not used.any():
        return _made(measured, key, samples, None, None)
    counts = as_counts(measured, samples)
    rate = (
        mean_rate(counts, analysis.resamples, analysis.seed, measured.domains) if counts else None
    )
    if rate is not None:
        return _made(measured, key, samples, rate.estimate, rate.worst)
    found, _ = estimate_expanded(
        [stratum(measured, means(samples, used), used)], analysis.resamples, analysis.seed
    )
    is_share = measured.measure.unit is Unit.SHARE
    return _made(measured, key, samples, within_shares(found) if is_share else found, None)


def _health(measured: MeasureSamples, key: ArmKey, samples: ArmSamples) -> Level:
    """A rate over all samples of all seeds: it is about the run, and stands for no other."""
    graded = int(samples.graded.sum())
    total = float(samples.total.sum())
    of_seeds = samples.graded.sum(axis=1)
    by_seed = tuple(
        float(total / count)
        for total, count in zip(samples.total.sum(axis=1), of_seeds, strict=True)
        if count
    )
    return Level(
        suite=measured.suite,
        measure=measured.measure,
        key=key,
        value=total / graded if graded else None,
        interval=wilson(round(total), graded),
        graded=graded,
        ungraded=int(samples.ungraded.sum()),
        worst=None,
        items=int((samples.graded + samples.ungraded).any(axis=0).sum()),
        clusters=len(set(measured.clusters)),
        left_out=0,
        seeds=samples.seeds,
        by_seed=by_seed,
        reasons=samples.reasons,
    )


def _made(
    measured: MeasureSamples,
    key: ArmKey,
    samples: ArmSamples,
    estimate: Estimate | None,
    worst: Interval | None,
) -> Level:
    return Level(
        suite=measured.suite,
        measure=measured.measure,
        key=key,
        value=estimate.value if estimate else None,
        interval=told(estimate) if estimate else None,
        graded=int(samples.graded.sum()),
        ungraded=int(samples.ungraded.sum()),
        worst=worst,
        items=estimate.items if estimate else 0,
        clusters=estimate.clusters if estimate else 0,
        left_out=len(measured.items) - (estimate.items if estimate else 0),
        seeds=samples.seeds,
        by_seed=estimate.by_seed if estimate else (),
        reasons=samples.reasons,
    )
