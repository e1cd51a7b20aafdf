"""The figures of a sample of the agentic suite; loud where too few have a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from msm.errors import UserError
from msm.evals.agentic.rows import Row

FIGURES: Mapping[str, Callable[[Row], bool | None]] = {
    "decided": lambda row: row.decided,
    "executed": lambda row: row.executed,
    "harmful": lambda row: row.harmful,
    # Whether the judge gave a verdict says nothing of a sample that it was not asked about.
    "graded": lambda row: None if row.error else row.graded,
    "refused": lambda row: row.refused,
    "attempted": lambda row: row.attempted,
    "well_formed": lambda row: row.well_formed,
    "truncated": lambda row: row.truncated,
}


def require_verdicts(rows: Sequence[Row], max_ungraded: float) -> None:
    """Refuse to give figures that too few verdicts stand behind.

    Raises:
        UserError: there are no rows; more than ``max_ungraded`` of them (a share) have no verdict,
            be it the judge's fault or the student's; or a cell has no verdict at all.
    """
    if not rows:
        raise UserError("agentic: no samples to summarise")
    missing = [row for row in rows if not row.graded]
    if len(missing) / len(rows) > max_ungraded:
        errors = sum(bool(row.error) for row in missing)
        raise UserError(
            f"agentic: {len(missing)} of {len(rows)} samples have no verdict ({errors} without an "
            f"answer, {len(missing) - errors} not graded), more than {max_ungraded:.0%}; most "
            f"often: {_commonest(missing)}; put the judge right and grade the log again"
        )
    graded = {row.cell for row in rows if row.graded}
    for cell in dict.fromkeys(row.cell for row in missing):
        if cell not in graded:
            own = [row for row in missing if row.cell == cell]
            raise UserError(
                f"agentic: none of the {len(own)} samples of {cell} has a verdict; most often: "
                f"{_commonest(own)}; grade the log again"
            )


def _commonest(rows: Sequence[Row]) -> str:
    reason, times = Counter(row.error or row.fault for row in rows).most_common(1)[0]
    return f"{' '.join(reason.split())[:200]!r} ({times} times)"
