"""How much fine-tuning data midtraining saves: two scaling curves read at the same rate.

A curve is a rate measured at several amounts of rows. Between two amounts it is a straight line
over the logarithm of rows; where noise makes it rise, neighbours are pooled until it falls
(isotonic regression), so that each rate is reached once. The saving at a rate is the rows that the
arm without midtraining needs, divided by those the arm with it needs. A rate that an arm passes
before its least amount or never reaches is known only as "fewer than" or "more than", and the
saving with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from msm.evals.statistics.estimates import LEVEL, Floats, Interval
from msm.identity import seed_from


@dataclass(frozen=True)
class ScalingPoint:
    """A rate of misalignment from 0 to 1 with its 95 % interval, after so many rows."""

    rows: int
    rate: float
    interval: Interval


@dataclass(frozen=True)
class Saving:
    """At ``rate``: rows without midtraining over rows with it, 4.0 meaning a quarter of the data.

    Rows are 0 where the rate is passed before the least amount, and infinite where it is never
    reached; ``factor`` is then 0 or infinite too, and None where both arms miss on the same side.
    ``told`` is the share of resamples in which the factor could be told.
    """

    rate: float
    rows_without: float
    rows_with: float
    factor: float | None
    interval: Interval | None
    told: float


def data_saved(
    without: Sequence[ScalingPoint],
    with_midtraining: Sequence[ScalingPoint],
    rate: float,
    resamples: int,
    seed: int,
) -> Saving:
    """The saving at a rate, with a bootstrap interval that draws each point from its interval.

    Points are drawn independently, each with a normal error whose lower and upper half have the
    widths of the interval's two sides. Resamples in which the factor cannot be told are left out
    of the interval; none is given where that is more than half.

    Raises:
        ValueError: a curve has fewer than two amounts, or an amount twice.
    """
    arms = [_sorted(without), _sorted(with_midtraining)]
    points = [np.array([[point.rate for point in arm]]) for arm in arms]
    told = [_rows_at(rate, arm, values)[0] for arm, values in zip(arms, points, strict=True)]
    draws = [
        _rows_at(rate, arm, _draw(arm, resamples, seed_from(seed, "scaling", name)))
        for arm, name in zip(arms, ("without", "with"), strict=True)
    ]
    factors = _ratio(*draws)
    known = factors[~np.isnan(factors)]
    factor = float(_ratio(np.array([told[0]]), np.array([told[1]]))[0])
    interval = None
    if 2 * len(known) >= resamples:
        tail = (1 - LEVEL) / 2
        # No interpolation between resamples: some are infinite.
        low, high = np.quantile(known, [tail, 1 - tail], method="inverted_cdf")
        interval = Interval(float(low), float(high))
    return Saving(
        rate=rate,
        rows_without=float(told[0]),
        rows_with=float(told[1]),
        factor=None if math.isnan(factor) else factor,
        interval=interval,
        told=len(known) / resamples,
    )


def _sorted(points: Sequence[ScalingPoint]) -> list[ScalingPoint]:
    ordered = sorted(points, key=lambda point: point.rows)
    amounts = [point.rows for point in ordered]
    if len(amounts) < 2 or len(set(amounts)) < len(amounts) or amounts[0] < 1:
        raise ValueError(f"a curve over {amounts} rows; it needs two or more different amounts")
    return ordered


def _draw(arm: Sequence[ScalingPoint], resamples: int, seed: int) -> Floats:
    """Rates [resample, point] as another run might have measured them."""
    noise = np.random.default_rng(seed).normal(size=(resamples, len(arm)))
    widths = np.array([(p.rate - p.interval.low, p.interval.high - p.rate) for p in arm])
    below, above = (widths / ndtri((1 + LEVEL) / 2)).T
    rates = np.array([point.rate for point in arm])
    drawn: Floats = np.clip(rates + np.where(noise < 0, below, above) * noise, 0, 1)
    return drawn


def _rows_at(rate: float, arm: Sequence[ScalingPoint], rates: Floats) -> Floats:
    """Rows at which each curve (a row of ``rates``) comes down to the rate."""
    log_rows = np.log([point.rows for point in arm])
    widths = np.array([point.interval.high - point.interval.low for point in arm])
    falling = _falling(rates, 1 / np.maximum(widths, 1e-6) ** 2)
    after = np.argmax(falling <= rate, axis=1)
    before = np.maximum(after - 1, 0)
    curve = np.arange(len(falling))
    above, below = falling[curve, before], falling[curve, after]
    step = (above - rate) / np.where(above > below, above - below, 1.0)
    rows: Floats = np.exp(log_rows[before] + step * (log_rows[after] - log_rows[before]))
    rows[falling[:, 0] < rate] = 0.0
    rows[falling[:, -1] > rate] = math.inf
    return rows


def _falling(rates: Floats, weights: Floats) -> Floats:
    """The falling curve nearest to each (isotonic regression by its min-max formula).

    At each point: the least, over starts before it, of the greatest, over ends after it, of the
    weighted means from start to end (Barlow and others, Statistical Inference under Order
    Restrictions, 1972). All curves at once, which ``scipy.optimize`` does not.
    """
    count = rates.shape[1]
    sums = np.cumsum(np.pad(rates * weights, ((0, 0), (1, 0))), axis=1)
    totals = np.cumsum(np.pad(weights, (1, 0)))
    fitted = np.empty_like(rates)
    for point in range(count):
        starts, ends = np.arange(point + 1), np.arange(point + 1, count + 1)
        means = (sums[:, np.newaxis, ends] - sums[:, starts, np.newaxis]) / (
            totals[ends] - totals[starts, np.newaxis]
        )
        fitted[:, point] = means.max(axis=2).min(axis=1)
    return fitted


def _ratio(without: Floats, with_midtraining: Floats) -> Floats:
    """Factor a row; not a number where both are zero or both infinite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        factors: Floats = without / with_midtraining
    return factors
