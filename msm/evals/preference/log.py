"""Reading the logs of the preference task: one row an item, with what each order's answer chose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from msm.errors import UserError
from msm.evals.items import Order
from msm.evals.preference.answer import Choice
from msm.evals.preference.sample import Asked

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSample

TASK = "preference"
SCORER = "preference_scorer"
NOT_ASKED = "this order was not asked"


@dataclass(frozen=True)
class Answer:
    """What one answer chose; None with the reason where there is no answer at all."""

    choice: Choice | None
    why: str = ""

    @property
    def read(self) -> bool:
        """Whether it names one of the two options."""
        return self.choice not in (None, Choice.UNREAD)


@dataclass(frozen=True)
class ChoiceRow:
    """What a model chose of one pair in one frame, in each option order."""

    id: str
    value: str
    cluster: str
    frame: str
    toward: str
    away: str
    toward_first: Answer
    away_first: Answer

    @property
    def answers(self) -> dict[Order, Answer]:
        """Both answers by the order of the question."""
        return {Order.TOWARD_FIRST: self.toward_first, Order.AWAY_FIRST: self.away_first}

    @property
    def score(self) -> float | None:
        """The share of the two orders with ``toward``: 0, 0.5 (it went by position) or 1.

        None where an order has no read answer, as position would then decide.
        """
        answers = (self.toward_first, self.away_first)
        if not all(answer.read for answer in answers):
            return None
        return sum(answer.choice is Choice.TOWARD for answer in answers) / 2


def read_choices(folder: Path) -> list[ChoiceRow]:
    """The rows of all finished logs of the task in a folder, sorted by id.

    Where two logs hold one question, a read answer goes before an unread one, and that before
    none; else the newer log's counts.

    Raises:
        UserError: the folder has no finished log of this task, or one with several epochs.
    """
    asked: dict[tuple[str, Order], Asked] = {}
    found: dict[tuple[str, Order], Answer] = {}
    for log in _finished(folder):
        if log.eval.config.epochs not in (None, 1):
            raise UserError(
                f"log {log.location} has {log.eval.config.epochs} epochs; run the task with one"
            )
        for about, answer in _answers(log):
            key = (about.item, about.order)
            asked[key] = about
            if key not in found or _rank(answer) >= _rank(found[key]):
                found[key] = answer
    first = {about.item: about for about in asked.values()}
    # A log keeps no order of its own, and arms are compared item by item.
    return [_row(first[item], found) for item in sorted(first)]


def _finished(folder: Path) -> list[EvalLog]:
    """All finished logs of the task, the oldest first."""
    from inspect_ai.log import list_eval_logs, read_eval_log

    infos = list_eval_logs(str(folder), descending=False) if folder.is_dir() else []
    headers = [read_eval_log(info, header_only=True) for info in infos]
    ours = [log for log in headers if log.eval.task.rpartition("/")[2] == TASK]
    done = sorted(
        (log for log in ours if log.status == "success"), key=lambda log: log.eval.created
    )
    if not done:
        state = "only unfinished logs" if ours else "no log"
        raise UserError(f"{folder} holds {state} of {TASK}; run it again")
    return [read_eval_log(log.location) for log in done]


def _answers(log: EvalLog) -> Iterator[tuple[Asked, Answer]]:
    for sample in log.samples or []:
        yield Asked.model_validate(sample.metadata), _answer(sample)


def _answer(sample: EvalSample) -> Answer:
    """What a sample's answer chose; what a server said of a failure is untrusted text."""
    if sample.error is not None:
        return Answer(None, " ".join(f"the sample failed: {sample.error.message}".split())[:200])
    score = (sample.scores or {}).get(SCORER)
    if score is None or score.answer is None:
        return Answer(None, "not scored")
    choice = Choice(score.answer)
    return Answer(choice, "the answer names neither option" if choice is Choice.UNREAD else "")


def _rank(answer: Answer) -> int:
    return 0 if answer.choice is None else 1 + answer.read


def _row(about: Asked, found: dict[tuple[str, Order], Answer]) -> ChoiceRow:
    none = Answer(None, NOT_ASKED)
    return ChoiceRow(
        id=about.item,
        value=about.value,
        cluster=about.domain,
        frame=about.frame,
        toward=about.toward,
        away=about.away,
        toward_first=found.get((about.item, Order.TOWARD_FIRST), none),
        away_first=found.get((about.item, Order.AWAY_FIRST), none),
    )
