"""Reading many comparisons together, and reading the absence of a difference."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msm.evals.statistics.estimates import Estimate


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values in the order given (Holm, Scandinavian Journal of Statistics 1979).

    Below 0.05 after this, the chance that any of the report's comparisons is a false alarm is at
    most 5 %, however they depend on each other.
    """
    from statsmodels.stats.multitest import multipletests

    if not p_values:
        return ()
    return tuple(float(p) for p in multipletests(list(p_values), method="holm")[1])


class Equivalence(StrEnum):
    """What an interval says about a difference that would matter, ``margin``."""

    EQUIVALENT = "smaller than the margin"
    DIFFERENT = "larger than the margin"
    UNCLEAR = "on neither side of the margin"


def equivalence(estimate: Estimate, margin: float) -> Equivalence:
    """Whether the whole 95 % interval lies inside ±margin, or outside.

    Inside is what two one-sided tests at 2.5 % each would say (Schuirmann, Journal of
    Pharmacokinetics and Biopharmaceutics 1987): stricter than the usual 5 %, so that a report has
    one interval a figure. ``margin`` is in the unit of the values, fixed before the runs.

    Raises:
        ValueError: the margin is not above zero.
    """
    if not margin > 0:
        raise ValueError(f"a margin of {margin}")
    if -margin < estimate.low and estimate.high < margin:
        return Equivalence.EQUIVALENT
    outside = estimate.low >= margin or estimate.high <= -margin
    return Equivalence.DIFFERENT if outside else Equivalence.UNCLEAR
