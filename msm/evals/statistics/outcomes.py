"""Rates over cells, and the difference of two arms' rates over the same cells.

A cell is one scenario asked many times (its epochs); each sample's outcome is yes, no or ungraded.
An arm's rate is the mean over cells of each cell's share of yes, so cells weigh alike however many
samples were graded. Intervals take the cell as the unit (or the domain, where cells share one): the
epochs' own chance is part of what differs from cell to cell, so more epochs narrow an interval only
as far as the cells agree.

An ungraded sample is no "no": it is left out, and counted. A cell without a graded sample in either
arm, in any seed, is left out of both. What the ungraded could hide is told as ``worst``: the figure
if all of them went one way, and if all went the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from msm.evals.statistics.bootstrap import estimate_expanded, within_shares
from msm.evals.statistics.estimates import Estimate, Floats, Interval, Stratum, Whole

RATE = "rates over cells"  # names the draws, so that all arms of a report share them


class Outcome(NamedTuple):
    """One graded sample, or one that could not be graded (``yes`` is None)."""

    seed: int
    cell: str
    yes: bool | None


@dataclass(frozen=True)
class CellCounts:
    """One arm's samples: ``yes``, ``graded`` and ``ungraded`` are whole numbers [seed, cell]."""

    seeds: tuple[int, ...]
    cells: tuple[str, ...]
    yes: Whole
    graded: Whole
    ungraded: Whole


@dataclass(frozen=True)
class Rate:
    """An arm's mean rate over cells, from 0 to 1, and what it rests on."""

    estimate: Estimate
    graded: int
    ungraded: int
    cells_left_out: tuple[str, ...]
    worst: Interval


@dataclass(frozen=True)
class RateDifference:
    """One arm's mean rate less another's over the same cells; counts of both arms, in order."""

    estimate: Estimate
    graded: tuple[int, int]
    ungraded: tuple[int, int]
    cells_left_out: tuple[str, ...]
    worst: Interval


def count_outcomes(outcomes: Iterable[Outcome]) -> CellCounts:
    """Count samples by seed and cell; both in sorted order."""
    rows = list(outcomes)
    seeds = tuple(sorted({row.seed for row in rows}))
    cells = tuple(sorted({row.cell for row in rows}))
    seed_at = {seed: index for index, seed in enumerate(seeds)}
    cell_at = {cell: index for index, cell in enumerate(cells)}
    counts = np.zeros((3, len(seeds), len(cells)), dtype=np.int64)
    for row in rows:
        place = seed_at[row.seed], cell_at[row.cell]
        counts[(0, *place)] += row.yes is True
        counts[(1, *place)] += row.yes is not None
        counts[(2, *place)] += row.yes is None
    return CellCounts(seeds, cells, counts[0], counts[1], counts[2])


def mean_rate(
    arm: CellCounts, resamples: int, seed: int, domains: Mapping[str, str] | None = None
) -> Rate | None:
    """An arm's rate over its cells; None where no cell has a graded sample in every seed.

    ``domains`` maps each cell to what is resampled in its place.
    """
    used = arm.graded.min(axis=0) > 0
    if not used.any():
        return None
    estimate = _estimate(_shares(arm, used), arm.cells, used, domains, resamples, seed)
    low, high = _worst(arm, used)
    return Rate(
        estimate=within_shares(estimate),
        graded=int(arm.graded[:, used].sum()),
        ungraded=int(arm.ungraded.sum()),
        cells_left_out=_left_out(arm.cells, used),
        worst=Interval(float(low.mean()), float(high.mean())),
    )


def rate_difference(
    arm: CellCounts,
    base: CellCounts,
    resamples: int,
    seed: int,
    domains: Mapping[str, str] | None = None,
) -> RateDifference | None:
    """``arm`` less ``base``, paired by cell and seed; None where no cell has both.

    Where every cell differs by the same amount no resample differs, as with two arms that never
    act; the interval then is Newcombe's for as many cases an arm as there are clusters, and p is 1
    if that holds zero.

    Raises:
        ValueError: the arms were not run on the same cells and seeds.
    """
    if (arm.cells, arm.seeds) != (base.cells, base.seeds):
        raise ValueError("arms are compared over the same cells and seeds")
    used = (arm.graded.min(axis=0) > 0) & (base.graded.min(axis=0) > 0)
    if not used.any():
        return None
    shares = _shares(arm, used), _shares(base, used)
    estimate = _estimate(shares[0] - shares[1], arm.cells, used, domains, resamples, seed)
    estimate = replace(estimate, low=max(-1.0, estimate.low), high=min(1.0, estimate.high))
    if estimate.high - estimate.low < 1e-9:
        ends = _newcombe(float(shares[0].mean()), float(shares[1].mean()), estimate.clusters)
        low, high = min(estimate.low, ends.low), max(estimate.high, ends.high)
        estimate = replace(estimate, low=low, high=high, p=1.0 if low <= 0 <= high else estimate.p)
    (arm_low, arm_high), (base_low, base_high) = _worst(arm, used), _worst(base, used)
    return RateDifference(
        estimate=estimate,
        graded=(int(arm.graded[:, used].sum()), int(base.graded[:, used].sum())),
        ungraded=(int(arm.ungraded.sum()), int(base.ungraded.sum())),
        cells_left_out=_left_out(arm.cells, used),
        worst=Interval(float((arm_low - base_high).mean()), float((arm_high - base_low).mean())),
    )


def _shares(arm: CellCounts, used: np.ndarray) -> Floats:
    shares: Floats = arm.yes[:, used] / arm.graded[:, used]
    return shares


def _worst(arm: CellCounts, used: np.ndarray) -> tuple[Floats, Floats]:
    """Shares by seed and cell if every ungraded sample were a no, and if each were a yes."""
    yes, ungraded = arm.yes[:, used], arm.ungraded[:, used]
    samples = arm.graded[:, used] + ungraded
    return yes / samples, (yes + ungraded) / samples


def _left_out(cells: Sequence[str], used: np.ndarray) -> tuple[str, ...]:
    return tuple(cell for cell, kept in zip(cells, used, strict=True) if not kept)


def _estimate(
    values: Floats,
    cells: Sequence[str],
    used: np.ndarray,
    domains: Mapping[str, str] | None,
    resamples: int,
    seed: int,
) -> Estimate:
    kept = [cell for cell, kept in zip(cells, used, strict=True) if kept]
    names = [domains[cell] if domains else cell for cell in kept]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    clusters = np.array([numbers[name] for name in names], dtype=np.intp)
    return estimate_expanded([Stratum(RATE, values, clusters)], resamples, seed)[0]


def _newcombe(arm: float, base: float, clusters: int) -> Interval:
    """Newcombe's interval of a difference of shares (Statistics in Medicine 1998, method 10)."""
    from statsmodels.stats.proportion import confint_proportions_2indep

    low, high = confint_proportions_2indep(
        round(arm * clusters), clusters, round(base * clusters), clusters,
        compare="diff", method="newcomb",
    )  # fmt: skip
    return Interval(float(low), float(high))
