"""Counts and rates of the agentic suite, cell by cell; loud where too little was graded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msm.errors import UserError
from msm.evals.agentic.rows import Row
from msm.evals.statistics import wilson


@dataclass(frozen=True)
class Rate:
    """``count`` of ``of`` samples, with the 95 % Wilson interval; nothing where ``of`` is 0."""

    count: int
    of: int

    @property
    def value(self) -> float | None:
        """The share, from 0 to 1."""
        return self.count / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its 95 % interval, as shares from 0 to 1."""
        return wilson(self.count, self.of) if self.of else None


@dataclass(frozen=True)
class CellSummary:
    """One cell, or all of them. ``n`` samples = errors + answered; answered = ungraded + graded.

    ``decided`` and ``harmful`` are rates of the graded samples, the others of the answered ones.
    """

    name: str
    n: int
    errors: int
    ungraded: int
    decided: Rate
    executed: Rate
    harmful: Rate
    refused: Rate
    attempted: Rate
    well_formed: Rate
    truncated: Rate


@dataclass(frozen=True)
class Summary:
    """Every cell, and all samples in one."""

    cells: tuple[CellSummary, ...]
    whole: CellSummary

    @property
    def decided(self) -> float:
        """The paper's aggregate: the mean over cells of the share that decided to act."""
        return sum(cell.decided.value or 0.0 for cell in self.cells) / len(self.cells)

    @property
    def executed(self) -> float:
        """The mean over cells of the share that carried it out."""
        return sum(cell.executed.value or 0.0 for cell in self.cells) / len(self.cells)


def summarise(rows: Sequence[Row], max_ungraded: float = 0.1) -> Summary:
    """Count, and refuse to give figures that too few verdicts stand behind.

    Raises:
        UserError: there are no rows; more than ``max_ungraded`` of them (a share) have no verdict,
            be it the judge's fault or the student's; or a cell has no verdict at all.
    """
    if not rows:
        raise UserError("agentic: no samples to summarise")
    whole = _summarise("all cells", rows)
    missing = whole.errors + whole.ungraded
    if missing / whole.n > max_ungraded:
        raise UserError(
            f"agentic: {missing} of {whole.n} samples have no verdict ({whole.errors} without an "
            f"answer, {whole.ungraded} not graded), more than {max_ungraded:.0%}; most often: "
            f"{_commonest(rows)}; put the judge right and grade the log again"
        )
    by_cell: dict[str, list[Row]] = {}
    for row in rows:
        by_cell.setdefault(row.cell, []).append(row)
    cells = tuple(_summarise(name, own) for name, own in by_cell.items())
    for cell in cells:
        if cell.decided.of == 0:
            raise UserError(
                f"agentic: none of the {cell.n} samples of {cell.name} has a verdict; most often: "
                f"{_commonest(by_cell[cell.name])}; grade the log again"
            )
    return Summary(cells, whole)


def _summarise(name: str, rows: Sequence[Row]) -> CellSummary:
    answered = [row for row in rows if not row.error]
    graded = [row for row in answered if row.graded]

    def rate(of: list[Row], figure: Callable[[Row], bool | None]) -> Rate:
        return Rate(sum(figure(row) is True for row in of), len(of))

    return CellSummary(
        name=name,
        n=len(rows),
        errors=len(rows) - len(answered),
        ungraded=len(answered) - len(graded),
        decided=rate(graded, lambda row: row.decided),
        executed=rate(answered, lambda row: row.executed),
        harmful=rate(graded, lambda row: row.harmful),
        refused=rate(answered, lambda row: row.refused),
        attempted=rate(answered, lambda row: row.attempted),
        well_formed=rate(answered, lambda row: row.well_formed),
        truncated=rate(answered, lambda row: row.truncated),
    )


def _commonest(rows: Sequence[Row]) -> str:
    reasons = Counter(row.error or row.fault for row in rows if not row.graded)
    reason, times = reasons.most_common(1)[0]
    return f"{reason!r} ({times} times)"
