"""How far two sets of labels agree: shares with Wilson intervals, Cohen's kappa, rank correlation.

An answer that could not be read is in no agreement; it is counted in the parse rate, beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap, spearmanr

from msm.evals.statistics import agreement, wilson

RESAMPLES = 2000
SEED = 0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval. ``value`` is None where the figure is not defined."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Share:
    """``count`` of ``of``, with the 95 % Wilson interval of the share."""

    count: int
    of: int
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class YesNo:
    """A judge's yes and no against ours. ``false_yes``: it said yes where we say no."""

    agree: Share
    kappa: Interval
    false_yes: int
    false_no: int


@dataclass(frozen=True)
class Scale:
    """A judge's scores against ours, both from 1 to 10.

    ``bias`` is the judge's mean less ours; ``in_range`` counts scores within the range that the
    label allows.
    """

    difference: Interval
    bias: Interval
    spearman: Interval
    within_one: Share
    in_range: Share


def share(count: int, of: int) -> Share:
    """A share with its interval; both None if there is nothing to count."""
    between = wilson(count, of)
    if between is None:
        return Share(count, of, None, None, None)
    return Share(count, of, _rounded(count / of), _rounded(between.low), _rounded(between.high))


def yes_no(judge: Sequence[bool], ours: Sequence[bool]) -> YesNo:
    """Agreement of two sets of verdicts on the same answers."""
    pairs = list(zip(judge, ours, strict=True))
    agree = sum(one == other for one, other in pairs)
    return YesNo(
        agree=share(agree, len(pairs)),
        kappa=_kappa(pairs),
        false_yes=pairs.count((True, False)),
        false_no=pairs.count((False, True)),
    )


def scale(judge: Sequence[int], ours: Sequence[int], ranges: Sequence[tuple[int, int]]) -> Scale:
    """Agreement of two sets of scores on the same answers."""
    said, label = np.asarray(judge, dtype=np.float64), np.asarray(ours, dtype=np.float64)
    close = int((np.abs(said - label) <= 1).sum())
    inside = sum(low <= one <= high for one, (low, high) in zip(judge, ranges, strict=True))
    return Scale(
        difference=_resampled(lambda a, b: float(np.abs(a - b).mean()), said, label),
        bias=_resampled(lambda a, b: float((a - b).mean()), said, label),
        spearman=_resampled(_spearman, said, label),
        within_one=share(close, len(label)),
        in_range=share(inside, len(label)),
    )


def _kappa(pairs: Sequence[tuple[bool, bool]]) -> Interval:
    """Cohen's kappa; undefined where both sides say one and the same throughout."""
    if not pairs:
        return Interval(None, None, None)
    judge, ours = zip(*pairs, strict=True)
    found = agreement(judge, ours, (False, True))
    if found.kappa is None or found.kappa_interval is None:
        return Interval(None, None, None)
    between = found.kappa_interval
    return Interval(_rounded(found.kappa), _rounded(between.low), _rounded(between.high))


def _spearman(one: Floats, other: Floats) -> float:
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return math.nan
    return float(spearmanr(one, other).statistic)


def _resampled(
    statistic: Callable[[Floats, Floats], float], one: Floats, other: Floats
) -> Interval:
    """A statistic of pairs with its bootstrap interval, drawing whole pairs."""
    value = statistic(one, other) if len(one) > 1 else math.nan
    if not math.isfinite(value):
        return Interval(None, None, None)
    found = bootstrap(
        (one, other), statistic, paired=True, vectorized=False, n_resamples=RESAMPLES,
        method="percentile", rng=np.random.default_rng(SEED),
    ).confidence_interval  # fmt: skip
    return Interval(_rounded(value), _rounded(float(found.low)), _rounded(float(found.high)))


def _rounded(value: float) -> float | None:
    return round(float(value), 6) if math.isfinite(value) else None
