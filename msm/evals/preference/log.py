"""Reading a log of the preference task: one row an item, and how sound the measurement is."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from msm.errors import UserError
from msm.evals.items import Order
from msm.evals.preference.answer import Choice
from msm.evals.preference.sample import Asked

if TYPE_CHECKING:
    from inspect_ai.log import EvalSample

SCORER = "preference_scorer"


@dataclass(frozen=True)
class ChoiceRow:
    """What a model chose of one pair in one frame.

    ``score`` is the share of the two option orders in which it chose ``toward``: 0, 0.5 (it went
    by position) or 1; None where an order has no read answer, as position would then decide.
    """

    id: str
    value: str
    cluster: str
    domain: str
    frame: str
    toward: str
    away: str
    toward_first: Choice
    away_first: Choice

    @property
    def score(self) -> float | None:
        """The share of orders with ``toward``, or None."""
        choices = (self.toward_first, self.away_first)
        if Choice.UNREAD in choices:
            return None
        return choices.count(Choice.TOWARD) / 2


@dataclass(frozen=True)
class Health:
    """How sound a value's figures are; rates are None where nothing is there to count.

    ``failed`` samples ended in an error of the run; ``read`` of ``answers`` could be read;
    ``first`` is the share of read answers that name the option asked about first.
    """

    answers: int
    failed: int
    read: int
    first: float | None

    @property
    def parse_rate(self) -> float | None:
        """The share of answers that were read."""
        return self.read / self.answers if self.answers else None


@dataclass(frozen=True)
class Choices:
    """A log's rows, sorted by id, and the health of each value and frame."""

    rows: tuple[ChoiceRow, ...]
    health: dict[tuple[str, str], Health]


def read_choices(log: Path) -> Choices:
    """Read a log file of the task ``preference``.

    Samples that ended in an error stand in ``Health.failed``; their items count as unread.

    Raises:
        UserError: the file cannot be read or holds another task.
    """
    from inspect_ai.log import read_eval_log

    try:
        read = read_eval_log(str(log))
    except (OSError, ValueError) as error:
        raise UserError(f"log {log} cannot be read: {error}") from None
    if read.eval.task.split("/")[-1] != "preference":
        raise UserError(f"log {log} is of the task '{read.eval.task}', not 'preference'")
    if read.eval.config.epochs not in (None, 1):
        raise UserError(f"log {log} has {read.eval.config.epochs} epochs; run the task with one")
    samples = read.samples or []
    asked = [Asked.model_validate(sample.metadata) for sample in samples]
    found: defaultdict[str, dict[Order, Choice]] = defaultdict(dict)
    first: dict[str, Asked] = {}
    for about, sample in zip(asked, samples, strict=True):
        first.setdefault(about.item, about)
        found[about.item][about.order] = _choice(sample) or Choice.UNREAD
    # A log keeps no order of its own, and arms are compared item by item.
    rows = tuple(_row(first[item], found[item]) for item in sorted(first))
    groups: defaultdict[tuple[str, str], list[tuple[Asked, Choice | None]]] = defaultdict(list)
    for about, sample in zip(asked, samples, strict=True):
        groups[about.value, about.frame].append((about, _choice(sample)))
    return Choices(rows, {group: _health(chosen) for group, chosen in groups.items()})


def _choice(sample: EvalSample) -> Choice | None:
    """What the sample's answer chose; None where the sample failed."""
    score = (sample.scores or {}).get(SCORER)
    if sample.error is not None or score is None or score.answer is None:
        return None
    return Choice(score.answer)


def _row(about: Asked, found: dict[Order, Choice]) -> ChoiceRow:
    return ChoiceRow(
        id=about.item,
        value=about.value,
        cluster=about.domain,
        domain=about.domain,
        frame=about.frame,
        toward=about.toward,
        away=about.away,
        toward_first=found.get(Order.TOWARD_FIRST, Choice.UNREAD),
        away_first=found.get(Order.AWAY_FIRST, Choice.UNREAD),
    )


def _health(chosen: list[tuple[Asked, Choice | None]]) -> Health:
    answers = [(about, choice) for about, choice in chosen if choice is not None]
    read = [(about, choice) for about, choice in answers if choice is not Choice.UNREAD]
    first = sum(choice.is_first(about.order) for about, choice in read)
    return Health(
        answers=len(answers),
        failed=len(chosen) - len(answers),
        read=len(read),
        first=first / len(read) if read else None,
    )
