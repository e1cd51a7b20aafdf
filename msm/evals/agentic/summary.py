"""Counts of the agentic suite by cell, from which the statistics make rates.

``msm.evals.statistics.mean_rate`` gives the suite's rate: cells weigh alike, ungraded samples are
left out, and the interval goes over cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msm.evals.agentic.figures import FIGURES, require_verdicts
from msm.evals.agentic.rows import Row
from msm.evals.statistics import CellCounts, Outcome, count_outcomes


def summarise(rows: Sequence[Row], max_ungraded: float = 0.1) -> Mapping[str, CellCounts]:
    """Count each figure over its samples that have one; the others are its ``ungraded``.

    Raises:
        UserError: as ``require_verdicts``.
    """
    require_verdicts(rows, max_ungraded)
    return {
        name: count_outcomes(Outcome(0, row.cell, figure(row)) for row in rows)
        for name, figure in FIGURES.items()
    }
