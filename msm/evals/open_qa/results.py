"""The results of ``open_qa``, out of Inspect's logs: a row for each question and epoch."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from msm.errors import UserError
from msm.evals.open_qa.questions import Category

if TYPE_CHECKING:
    from inspect_ai.log import EvalSample

TASK = "open_qa"
SCORER = "open_qa"
FAILED = "the sample failed"
NOT_REACHED = "not scored"
NO_ANSWER = "the assistant gave no answer"
NO_REASON = "no reason given"


@dataclass(frozen=True)
class OpenRow:
    """One answer's score, 1 to 10, or None with the ``fault`` that left it ungraded.

    ``why`` holds the judge's own words, or what was wrong; untrusted text.
    """

    question: str
    category: Category
    epoch: int
    score: int | None
    fault: str
    why: str


@dataclass(frozen=True)
class CategoryMean:
    """The mean score of a category's graded answers (None if there is none), with the counts."""

    category: Category
    mean: float | None
    graded: int
    ungraded: int


def read_open_rows(folder: Path) -> list[OpenRow]:
    """The rows of all ``open_qa`` logs in a folder, by question and epoch.

    Where several logs hold the same question and epoch (a run that was cut, and its repetition), a
    graded answer goes before an ungraded one, and the newest log before the others.

    Raises:
        UserError: the folder holds no log of this task.
    """
    from inspect_ai.log import list_eval_logs, read_eval_log

    found: dict[tuple[str, int], OpenRow] = {}
    logs = list_eval_logs(str(folder), descending=False)
    read = [log for log in map(read_eval_log, logs) if log.eval.task.rpartition("/")[2] == TASK]
    if not read:
        raise UserError(f"{folder} holds no log of {TASK}; run it first")
    for log in read:
        for sample in log.samples or []:
            row = _row(sample)
            before = found.get((row.question, row.epoch))
            if before is None or before.score is None or row.score is not None:
                found[row.question, row.epoch] = row
    return [found[key] for key in sorted(found)]


def category_means(rows: Sequence[OpenRow]) -> list[CategoryMean]:
    """The means by category, in the order of the categories, without those never asked."""
    means = []
    for category in Category:
        scores = [row.score for row in rows if row.category is category]
        graded = [score for score in scores if score is not None]
        if scores:
            mean = sum(graded) / len(graded) if graded else None
            means.append(CategoryMean(category, mean, len(graded), len(scores) - len(graded)))
    return means


def read_threshold(folder: Path) -> float:
    """The strictest share of ungraded answers that the folder's finished logs were to bear.

    Raises:
        UserError: it holds no finished log of this task.
    """
    from inspect_ai.log import list_eval_logs, read_eval_log

    headers = [read_eval_log(info, header_only=True) for info in list_eval_logs(str(folder))]
    ours = [log for log in headers if log.eval.task.rpartition("/")[2] == TASK]
    done = [log for log in ours if log.status == "success"]
    if not done:
        state = "only unfinished logs" if ours else "no log"
        raise UserError(f"{folder} holds {state} of {TASK}; run it again")
    return min(float((log.eval.metadata or {})["max_ungraded"]) for log in done)


def require_graded(rows: Sequence[OpenRow], limit: float) -> None:
    """Check that at most the share ``limit`` of the answers is ungraded.

    Raises:
        UserError: more are; says how many, and for which reasons.
    """
    faults = Counter(row.fault for row in rows if row.score is None)
    lost = sum(faults.values())
    if lost > limit * len(rows):
        said = ", ".join(f"{count} {fault}" for fault, count in faults.most_common())
        raise UserError(
            f"open_qa: {lost} of {len(rows)} answers are ungraded ({said}), more than the share "
            f"{limit:g} that is allowed; check the judge with `msm judge-check`"
        )


def _row(sample: EvalSample) -> OpenRow:
    category = Category(sample.metadata["category"])
    score = (sample.scores or {}).get(SCORER)
    if score is None:
        fault = NOT_REACHED if sample.error is None else FAILED
        why = sample.error.message if sample.error else ""
        return OpenRow(str(sample.id), category, sample.epoch, None, fault, why)
    why = score.explanation or ""
    value = score.as_float()
    if math.isnan(value):
        fault = score.reason or NO_REASON
        return OpenRow(str(sample.id), category, sample.epoch, None, fault, why)
    return OpenRow(str(sample.id), category, sample.epoch, round(value), "", why)
