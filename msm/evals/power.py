"""How much measuring a difference needs, before any of it is spent.

The test behind these figures is the one of the report: two arms over the same cells (or word
pairs), their difference taken cell by cell, and Student's t over cells. One seed of each arm: how
far another training run would differ is no question of samples, and no number of epochs answers it.
"""

from __future__ import annotations

import math

ALPHA = 0.05
POWER = 0.8


def epochs_needed(
    baseline: float,
    difference: float,
    cells: int,
    cell_sd: float,
    power: float = POWER,
    alpha: float = ALPHA,
) -> int | None:
    """Samples of each cell, for each arm, that show ``difference`` with this power.

    One arm's rate is ``baseline``, the other's ``baseline + difference``, as means over cells.
    ``cell_sd`` is the standard deviation over cells of the true difference, in shares: the part
    that no epoch takes away. 0 asks about these cells alone. The chance within a cell is counted as
    if all cells had the mean rate, which is the most that it can be.

    None where the cells differ too much among themselves: then only more cells would help.

    Raises:
        ValueError: a rate lies outside 0 to 1, the difference is zero, or there are under two
            cells.
    """
    # A difference is shown if the variance of one cell's difference, true and by chance, is small
    # enough; epochs divide the part that is chance.
    allowed = _largest_sd(difference, cells, power, alpha) ** 2 - cell_sd**2
    chance = _chance(baseline, difference)
    return max(1, math.ceil(chance / allowed - 1e-9)) if allowed > 0 else None


def power_of(
    baseline: float,
    difference: float,
    cells: int,
    cell_sd: float,
    epochs: int,
    alpha: float = ALPHA,
) -> float:
    """The chance that so many epochs a cell show the difference; arguments as above."""
    from statsmodels.stats.power import TTestPower

    sd = math.sqrt(cell_sd**2 + _chance(baseline, difference) / epochs)
    return float(TTestPower().power(abs(difference) / sd, cells, alpha, alternative="two-sided"))


def detectable_difference(
    clusters: float, sd: float, power: float = POWER, alpha: float = ALPHA
) -> float:
    """The smallest difference that so many clusters show with this power, in the unit of ``sd``.

    ``sd`` is the standard deviation over clusters of a paired difference. ``clusters`` may be the
    effective number of a mean over strata.
    """
    return sd * _effect(clusters, power, alpha)


def _chance(baseline: float, difference: float) -> float:
    """Variance of one epoch's difference within a cell."""
    rates = (baseline, baseline + difference)
    if not all(0 <= rate <= 1 for rate in rates):
        raise ValueError(f"rates of {rates[0]:g} and {rates[1]:g}")
    return sum(rate * (1 - rate) for rate in rates)


def _largest_sd(difference: float, cells: int, power: float, alpha: float) -> float:
    if difference == 0:
        raise ValueError("no number of samples shows a difference of zero")
    return abs(difference) / _effect(cells, power, alpha)


def _effect(clusters: float, power: float, alpha: float) -> float:
    """Mean over standard deviation that a paired t-test shows with this power."""
    from statsmodels.stats.power import TTestPower

    if clusters < 2:
        raise ValueError(f"a comparison over {clusters:g} clusters; it needs two or more")
    effect = TTestPower().solve_power(
        nobs=clusters, alpha=alpha, power=power, alternative="two-sided"
    )
    return float(effect)
