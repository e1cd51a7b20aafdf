"""The interval of a rate."""

from __future__ import annotations

from msm.evals.statistics.estimates import LEVEL, Interval


def wilson(successes: int, trials: int) -> Interval | None:
    """The 95 % interval of a share (Wilson, JASA 1927), as shares from 0 to 1.

    None where nothing was tried: no trials say nothing, and an interval from 0 to 1 would look
    like a measurement.

    Raises:
        ValueError: a count is negative, or there are more successes than trials.
    """
    from statsmodels.stats.proportion import proportion_confint

    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes of {trials} trials")
    if trials == 0:
        return None
    low, high = proportion_confint(successes, trials, alpha=1 - LEVEL, method="wilson")
    share = successes / trials  # rounding must not leave it outside its own interval
    return Interval(min(share, max(0.0, float(low))), max(share, min(1.0, float(high))))
