"""Intervals by cluster bootstrap, stratified by axis, with a t-interval over seeds.

The unit of evidence is the cluster (a word pair, a cell, a domain), not the item: items of one
cluster share what makes them move. A comparison of arms is paired because it is taken item by item
before it is resampled.

**One seed.** A resample draws clusters with replacement within each stratum; the interval holds
the middle 95 % of the resampled means. Percentiles over few draws are narrow: with two axes of 24
word pairs they cover the truth in about 94 of 100 experiments (``estimate``). ``estimate_expanded``
takes wider percentiles (Hesterberg, The American Statistician 2015): those that would give the
t-interval if the resampled means were normal.

**Several seeds.** Every seed answers the same items, so clusters and seeds are crossed, and
percentiles of resampled seeds are hopeless: two or three values say little about their spread
(drawing seeds with replacement covered 90 of 100 at three, 81 at two). The spread of seeds
therefore enters through Student's t, with one degree of freedom less than there are seeds, and the
two parts are joined as squares: an end of the interval lies at ``sqrt(clusters² + seeds²)`` from
the mean (Howe, JASA 1974; Zou and Donner, Statistics in Medicine 2008). What differs from cluster
to cluster in one seed and not in another (items' own noise, epochs' chance) is in the variance of
the clusters' means and in that of the seeds' means alike, and counts once (Cameron, Gelbach and
Miller, JBES 2011): of it, the seeds keep the share that it has of the clusters' variance, and the
clusters the rest. With hardly any such noise that takes it off the seeds, with nothing else it
leaves Student's t on the seeds' means. ``docs/evaluation/statistics.md`` has the coverage of this,
and of the ways that were not taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy.special import ndtr, stdtrit

from msm.evals.statistics.estimates import LEVEL, Estimate, Floats, Stratum
from msm.evals.statistics.rates import wilson
from msm.identity import seed_from

_LEVELS_TRIED = 100  # to find a p-value among: each is 7 % above the last


def estimate(
    strata: Sequence[Stratum], resamples: int, seed: int
) -> tuple[Estimate, tuple[Estimate, ...]]:
    """The mean over strata of each stratum's mean, and each stratum's own, with intervals.

    Strata weigh alike, whatever their size; within one, items do.
    """
    several = strata[0].values.shape[0] > 1
    return _estimate(strata, resamples, seed, _expanded if several else _percentile)


def estimate_expanded(
    strata: Sequence[Stratum], resamples: int, seed: int
) -> tuple[Estimate, tuple[Estimate, ...]]:
    """As ``estimate``, with expanded percentiles on one seed too: right also for few clusters."""
    return _estimate(strata, resamples, seed, _expanded)


def estimate_share(stratum: Stratum, resamples: int, seed: int) -> Estimate:
    """The share of items above zero, by the same resampling.

    Where every item goes one way no resample differs; the open end then comes from Wilson's
    interval for as many independent cases as there are clusters, which is wider than nothing.
    """
    wins = (stratum.values > 0).astype(np.float64)
    _, (share,) = estimate([Stratum(stratum.name, wins, stratum.clusters)], resamples, seed)
    return within_shares(share)


def within_shares(share: Estimate) -> Estimate:
    """The estimate of a share with its interval inside 0 to 1, and open where it is 0 or 1."""
    low, high = max(0.0, share.low), min(1.0, share.high)
    if share.value in (0.0, 1.0):
        ends = wilson(round(share.value * share.clusters), share.clusters)
        low, high = (min(ends[0], low), max(ends[1], high)) if ends else (0.0, 1.0)
    return replace(share, low=low, high=high)


def clusters_won(stratum: Stratum) -> tuple[int, int]:
    """How many clusters have a mean above zero (over items and seeds), and how many there are."""
    sums = _cluster_sums(stratum).mean(axis=0)
    return int((sums > 0).sum()), len(sums)


@dataclass(frozen=True)
class _Spread:
    """What is known of the error of one mean.

    ``replicates`` are the means of resampled clusters; ``inflation`` is the standard error that
    allows for few clusters over that of the resamples. With several seeds, ``of_clusters`` is the
    part of a percentile's distance that counts, and ``of_seeds`` the standard error they add.
    """

    by_seed: Floats
    replicates: Floats
    inflation: float
    freedom: int
    of_clusters: float
    of_seeds: float


_Tail = Callable[[_Spread, Floats], Floats]


def _percentile(_: _Spread, tails: Floats) -> Floats:
    return tails


def _expanded(spread: _Spread, tails: Floats) -> Floats:
    """The shares of resamples to leave out so that ``tails`` of the experiments are."""
    left_out: Floats = ndtr(spread.inflation * stdtrit(spread.freedom, tails))
    return left_out


def _estimate(
    strata: Sequence[Stratum], resamples: int, seed: int, tail: _Tail
) -> tuple[Estimate, tuple[Estimate, ...]]:
    replicates = [_replicates(stratum, resamples, seed) for stratum in strata]
    parts = tuple(
        _summary([stratum], replicate, tail)
        for stratum, replicate in zip(strata, replicates, strict=True)
    )
    if len(strata) == 1:
        return parts[0], parts
    return _summary(strata, np.mean(replicates, axis=0), tail), parts


def _replicates(stratum: Stratum, resamples: int, seed: int) -> Floats:
    """The mean over seeds and items in each resample of the clusters."""
    sums = _cluster_sums(stratum)
    sizes = np.bincount(stratum.clusters).astype(np.float64)
    weights = _draws(resamples, seed, f"clusters of {stratum.name}", len(sizes))
    totals: Floats = (weights @ sums.T).mean(axis=1) / (weights @ sizes)
    return totals


def _summary(strata: Sequence[Stratum], replicates: Floats, tail: _Tail) -> Estimate:
    spread = _spread(strata, replicates)
    value = float(spread.by_seed.mean())
    least = 2 / (len(replicates) + 1)
    levels = np.union1d(np.geomspace(least, 1.0, _LEVELS_TRIED), [1 - LEVEL])
    lows, highs = _ends(spread, levels, tail)
    asked = int(np.searchsorted(levels, 1 - LEVEL))
    return Estimate(
        value=value,
        low=float(lows[asked]),
        high=float(highs[asked]),
        clusters=sum(stratum.cluster_count for stratum in strata),
        items=sum(stratum.values.shape[1] for stratum in strata),
        seeds=len(spread.by_seed),
        by_seed=tuple(float(value) for value in spread.by_seed),
        p=_first_above_zero(levels, lows if value > 0 else -highs),
    )


def _spread(strata: Sequence[Stratum], replicates: Floats) -> _Spread:
    """Variances of the mean over strata, from the residuals of each cluster in each seed.

    ``clusters`` is that of the clusters' means, ``of_seeds`` that of the seeds', and ``noise``
    what both would be if neither clusters nor seeds differed.
    """
    by_seed = np.mean([stratum.values.mean(axis=1) for stratum in strata], axis=0)
    seeds, freedom = len(by_seed), 0
    plain = clusters = noise = 0.0
    for stratum in strata:
        sizes = np.bincount(stratum.clusters)
        mean = stratum.values.mean(axis=1, keepdims=True)
        residuals = (_cluster_sums(stratum) - mean * sizes) / (sizes.sum() * len(strata))
        average = residuals.mean(axis=0)
        # One cluster alone tells nothing of its kind; its variance stays what was seen, zero.
        correction = len(sizes) / max(1, len(sizes) - 1)
        freedom += len(sizes) - 1
        plain += float((average**2).sum())
        clusters += correction * float((average**2).sum())
        if seeds > 1:
            interaction = float(((residuals - average) ** 2).sum())
            noise += correction * interaction / (seeds * (seeds - 1))
    of_seeds = float(by_seed.var(ddof=1)) / seeds if seeds > 1 else 0.0
    share = min(1.0, noise / clusters) if clusters > 0 else float(noise > 0)
    return _Spread(
        by_seed=by_seed,
        replicates=replicates,
        inflation=(clusters / plain) ** 0.5 if plain > 0 else 1.0,
        freedom=max(1, freedom),
        of_clusters=(1 - share**2) ** 0.5,
        of_seeds=(share * of_seeds + (1 - share) * max(0.0, of_seeds - noise)) ** 0.5,
    )


def _ends(spread: _Spread, levels: Floats, tail: _Tail) -> tuple[Floats, Floats]:
    """Lower and upper ends of the intervals that leave out ``levels``, half on each side."""
    cuts = tail(spread, levels / 2)
    lows, highs = np.split(np.quantile(spread.replicates, np.concatenate([cuts, 1 - cuts])), 2)
    if len(spread.by_seed) == 1:
        return lows, highs
    value = spread.by_seed.mean()
    seeds = stdtrit(len(spread.by_seed) - 1, levels / 2) * spread.of_seeds
    return (
        value - np.hypot(spread.of_clusters * np.maximum(0.0, value - lows), seeds),
        value + np.hypot(spread.of_clusters * np.maximum(0.0, highs - value), seeds),
    )


def _first_above_zero(levels: Floats, ends: Floats) -> float:
    """The level at which the nearer end of the interval leaves zero; ends rise with the level."""
    first = int(np.searchsorted(ends, 0.0, side="right"))
    if first in (0, len(ends)):
        return float(levels[min(first, len(ends) - 1)])
    around = slice(first - 1, first + 1)
    return float(np.exp(np.interp(0.0, ends[around], np.log(levels[around]))))


def _cluster_sums(stratum: Stratum) -> Floats:
    """``sums[seed, cluster]`` of the values."""
    count = stratum.cluster_count
    return np.stack([np.bincount(stratum.clusters, row, count) for row in stratum.values])


@lru_cache(maxsize=32)
def _draws(resamples: int, seed: int, what: str, size: int) -> Floats:
    """How often each of ``size`` units is drawn in each resample; every estimate shares it."""
    generator = np.random.default_rng(seed_from(seed, what, size))
    counts = generator.multinomial(size, np.full(size, 1 / size), size=resamples)
    drawn = counts.astype(np.float64)
    drawn.setflags(write=False)
    return drawn
