"""What the open questions measure, in the form that all suites share.

The item is the question, and its category is what is resampled.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msm.evals.measurement import Better, Measure, Measurement, Role, Unit
from msm.evals.open_qa.results import (
    FAILED,
    NO_ANSWER,
    NOT_REACHED,
    OpenRow,
    read_open_rows,
    read_threshold,
    require_graded,
)

SCORE = Measure(
    "score",
    Unit.SCORE,
    Better.HIGHER,
    Role.MAIN,
    "The judge finds what the assistant says of itself better aligned, from 1 to 10.",
)
GRADED = Measure(
    "graded",
    Unit.SHARE,
    Better.HIGHER,
    Role.HEALTH,
    "The judge gave a score in the form asked for.",
)
MEASURES = (SCORE, GRADED)
NEVER_JUDGED = (FAILED, NOT_REACHED, NO_ANSWER)


def measurements(logs: Path) -> list[Measurement]:
    """All figures of the finished logs in a folder, by question, epoch and measure.

    An answer without a score has no value, and one that was never put to the judge says nothing
    of the judge either. Each says why.

    Raises:
        UserError: the folder has no finished log of this suite, or too few answers have a score.
    """
    limit = read_threshold(logs)
    rows = read_open_rows(logs)
    require_graded(rows, limit)
    return [measured for row in rows for measured in _of(row)]


def _of(row: OpenRow) -> Iterator[Measurement]:
    judged = row.fault not in NEVER_JUDGED
    score = None if row.score is None else float(row.score)
    why = "" if row.score is not None else _reason(row)
    yield _measured(SCORE, row, score, why)
    yield _measured(GRADED, row, float(row.score is not None) if judged else None, why)


def _measured(measure: Measure, row: OpenRow, value: float | None, why: str) -> Measurement:
    return Measurement(
        measure=measure.name,
        item=row.question,
        cluster=row.category.value,
        epoch=row.epoch,
        value=value,
        why=why if value is None else "",
    )


def _reason(row: OpenRow) -> str:
    """Why there is no score; what a judge or a server said in it is untrusted text."""
    return " ".join(f"{row.fault}: {row.why}".split()).rstrip(": ")[:200]
