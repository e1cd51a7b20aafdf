"""Statistics of the evidence: intervals, differences, corrections, agreement.

``docs/evaluation/statistics.md`` says what each method is for and what simulation shows of it.
"""

from msm.evals.statistics.bootstrap import (
    clusters_won,
    estimate,
    estimate_expanded,
    estimate_share,
    within_shares,
)
from msm.evals.statistics.estimates import (
    LEVEL,
    Estimate,
    Floats,
    Interval,
    Sign,
    Stratum,
    Whole,
)
from msm.evals.statistics.rates import wilson

__all__ = [
    "LEVEL",
    "Estimate",
    "Floats",
    "Interval",
    "Sign",
    "Stratum",
    "Whole",
    "clusters_won",
    "estimate",
    "estimate_expanded",
    "estimate_share",
    "wilson",
    "within_shares",
]
