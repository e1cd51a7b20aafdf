"""Rows that could not be made: written down, counted, and too many of them a reason to stop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from msm.errors import UserError
from msm.jsonl import write_rows
from msm.llm.request import Failure

FAILURES = "failures.jsonl"

Result = TypeVar("Result")


def parted(results: Sequence[Result | Failure]) -> tuple[list[Result], list[Failure]]:
    """What was made and what failed, each in order."""
    made: list[Result] = []
    failures: list[Failure] = []
    for result in results:
        if isinstance(result, Failure):
            failures.append(result)
        else:
            made.append(result)
    return made, failures


def keep_failures(
    out: Path,
    failures: Sequence[Failure],
    of: int,
    limit: float,
    what: str,
    lost: int | None = None,
) -> None:
    """Write ``failures.jsonl``; ``limit`` is the share of ``of`` rows that may fail.

    ``lost`` is the number of rows that failed, where that is not the number of failures.

    Raises:
        UserError: more have failed. What was answered stays, so another run asks only for the rest.
    """
    failed = len(failures) if lost is None else lost
    if failed > limit * of:
        raise UserError(
            f"{failed} of {of} {what} failed ({reasons(failures)}; e.g. {failures[0].id}: "
            f"{failures[0].detail}), more than maximum_failures {limit:g} allows; run again to go "
            "on from the answers that came, with more 'answers' or 'attempts' under execution"
        )
    ordered: list[Failure] = sorted(failures, key=lambda failure: failure.id)
    write_rows(out / FAILURES, ordered)


def reasons(failures: Sequence[Failure]) -> str:
    """The failures counted by reason, in words."""
    counts = Counter(failure.reason.value for failure in failures)
    return ", ".join(f"{count} {reason}" for reason, count in counts.most_common())


def count_reasons(failures: Sequence[Failure]) -> dict[str, int]:
    """The failures counted by reason, as they stand in a record's ``dropped``."""
    return dict(sorted(Counter(failure.reason.value for failure in failures).items()))
