"""Statistics of the evidence: intervals, differences, corrections, agreement, savings.

``docs/evaluation/statistics.md`` says what each method is for and what simulation shows of it.
"""

from msm.evals.statistics.agreement import Agreement, Weights, agreement
from msm.evals.statistics.bootstrap import (
    clusters_won,
    estimate,
    estimate_expanded,
    estimate_share,
    within_shares,
)
from msm.evals.statistics.comparisons import Equivalence, equivalence, holm
from msm.evals.statistics.estimates import (
    LEVEL,
    Estimate,
    Floats,
    Interval,
    Sign,
    Stratum,
    Whole,
)
from msm.evals.statistics.outcomes import (
    CellCounts,
    Outcome,
    Rate,
    RateDifference,
    count_outcomes,
    mean_rate,
    rate_difference,
)
from msm.evals.statistics.rates import wilson
from msm.evals.statistics.scaling import Saving, ScalingPoint, data_saved

__all__ = [
    "LEVEL",
    "Agreement",
    "CellCounts",
    "Equivalence",
    "Estimate",
    "Floats",
    "Interval",
    "Outcome",
    "Rate",
    "RateDifference",
    "Saving",
    "ScalingPoint",
    "Sign",
    "Stratum",
    "Weights",
    "Whole",
    "agreement",
    "clusters_won",
    "count_outcomes",
    "data_saved",
    "equivalence",
    "estimate",
    "estimate_expanded",
    "estimate_share",
    "holm",
    "mean_rate",
    "rate_difference",
    "wilson",
    "within_shares",
]
