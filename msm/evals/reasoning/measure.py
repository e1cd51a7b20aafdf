"""What the reasoning suite measures: for each canonical reason, the share of transcripts with it.

Measures are by canonical reason, never by merged group: which reasons merge differs from arm to
arm, and a measure has to mean the same in all of them. The item is the cell, and the cell is what
is resampled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msm.errors import UserError
from msm.evals.measurement import Better, Measure, Measurement, Role, Unit
from msm.evals.reasoning.analyse import ANALYSIS, CLASSIFIED_ROWS, REASONS
from msm.evals.reasoning.asking import UNANSWERED
from msm.evals.reasoning.reasons import CLASSIFIED, STARTING_REASONS, Reason, read_reasons
from msm.jsonl import read_shards

HEALTH = Measure(
    CLASSIFIED,
    Unit.SHARE,
    Better.HIGHER,
    Role.HEALTH,
    "The judge named the transcript's reasons in the form asked for.",
)


def measures(reasons: Sequence[Reason]) -> tuple[Measure, ...]:
    """The measures for a list of canonical reasons."""
    return (*(reason.measure for reason in reasons), HEALTH)


MEASURES = measures(read_reasons(STARTING_REASONS))


def measures_of(folder: Path) -> tuple[Measure, ...]:
    """The measures for the reasons that a finished analysis used.

    Raises:
        UserError: the folder holds none.
    """
    return measures(_reasons(folder))


def measurements(folder: Path) -> list[Measurement]:
    """All figures of a finished analysis, by cell, epoch and measure.

    A transcript that the judge failed on has no value in any reason, and a sample without an
    answer in none of the measures at all. Each says why.

    Raises:
        UserError: the folder holds no finished analysis.
    """
    reasons = _reasons(folder)
    rows = read_shards(folder, CLASSIFIED_ROWS)
    return [measured for row in rows for measured in _of(row, reasons)]


def _reasons(folder: Path) -> tuple[Reason, ...]:
    if not (folder / ANALYSIS).is_file():
        raise UserError(f"{folder}: no finished analysis of reasons; run the suite again")
    return read_reasons(folder / REASONS)


def _of(row: Mapping[str, Any], reasons: Sequence[Reason]) -> Iterator[Measurement]:
    named, why = row["reasons"], f"{row['fault']}: {row['why']}"
    judged = row["fault"] != UNANSWERED
    for reason in reasons:
        yield _measured(row, reason.name, None if named is None else reason.name in named, why)
    yield _measured(row, CLASSIFIED, named is not None if judged else None, why)


def _measured(row: Mapping[str, Any], measure: str, holds: bool | None, why: str) -> Measurement:
    return Measurement(
        measure=measure,
        item=row["cell"],
        cluster=row["cell"],
        epoch=row["epoch"],
        value=None if holds is None else float(holds),
        why=why if holds is None else "",
    )
