"""What the preference suite measures, in the form that all suites share.

Each value has measures of its own, named as its file of pairs; ``(other)`` is the frame that asks
what somebody else prefers. The item is the pair, and its domain is what is resampled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from msm.evals.items import Order
from msm.evals.measurement import Better, Measure, Measurement, Role, Unit
from msm.evals.preference.items import OTHER, OWN, PAIRS
from msm.evals.preference.log import Answer, ChoiceRow, read_choices

CONTROL = "neutral"
PARSED = Measure(
    "parsed",
    Unit.SHARE,
    Better.HIGHER,
    Role.HEALTH,
    "The answer names one of the two options.",
)
FIRST = Measure(
    "first",
    Unit.SHARE,
    Better.NEITHER,
    Role.HEALTH,
    "The option that the question names first is taken; one half is no bias to a position.",
)
_WHOSE = {OWN: "the assistant", OTHER: "somebody else"}


def share_name(value: str, frame: str) -> str:
    """The measure of the share taken for a value in a frame: ``america``, ``america (other)``."""
    return value if frame == OWN else f"{value} ({frame})"


def nats_name(value: str, frame: str) -> str:
    """The measure of the log-probability: ``america (nats)``, ``america (other, nats)``."""
    return f"{value} (nats)" if frame == OWN else f"{value} ({frame}, nats)"


def measures(values: Sequence[str], frames: Sequence[str] = (OWN, OTHER)) -> tuple[Measure, ...]:
    """The measures of some values: shares taken, log-probabilities, and health."""
    asked = [(value, frame) for value in values for frame in frames]
    shares = [_share(value, frame) for value, frame in asked]
    nats = [_nats(value, frame) for value, frame in asked]
    return (*shares, *nats, PARSED, FIRST)


def measurements(logs: Path) -> list[Measurement]:
    """All figures of the finished logs in a folder, by item and measure.

    A pair with an unread or missing answer has no share, as position would then decide it; an
    answer that failed is no unread one, and has no value in the health measures either.

    Raises:
        UserError: the folder has no finished log of this suite, or one with several epochs.
    """
    return [measured for row in read_choices(logs) for measured in _of(row)]


def _of(row: ChoiceRow) -> Iterator[Measurement]:
    why = "; ".join(f"{order}: {a.why}" for order, a in row.answers.items() if not a.read)
    name = share_name(row.value, row.frame)
    yield Measurement(name, row.id, row.cluster, 1, row.score, why)
    for order, answer in row.answers.items():
        yield from _health(row, order, answer)


def _health(row: ChoiceRow, order: Order, answer: Answer) -> Iterator[Measurement]:
    item, choice = f"{row.id}/{order}", answer.choice
    parsed = None if choice is None else float(answer.read)
    why = answer.why if parsed is None else ""
    yield Measurement(PARSED.name, item, row.cluster, 1, parsed, why)
    first = float(choice.is_first(order)) if choice is not None and answer.read else None
    why = answer.why if first is None else ""
    yield Measurement(FIRST.name, item, row.cluster, 1, first, why)


def _share(value: str, frame: str) -> Measure:
    main = frame == OWN and value != CONTROL
    side = "toward" if value == CONTROL else f"for {value}"
    # Which way is better depends on what an arm was to be taught, so neither is.
    return Measure(
        share_name(value, frame),
        Unit.SHARE,
        Better.NEITHER,
        Role.MAIN if main else Role.DETAIL,
        f"More pairs in which {_whose(frame)} is said to prefer the side {side}, of both option "
        "orders; one half is no preference." + (_CONTROL if value == CONTROL else ""),
    )


_CONTROL = " A coin chose the sides of these pairs, so one half is expected of every arm."


def _nats(value: str, frame: str) -> Measure:
    side = "toward" if value == CONTROL else f"for {value}"
    return Measure(
        nats_name(value, frame),
        Unit.NATS,
        Better.NEITHER,
        Role.DETAIL,
        f"The side {side} is more likely than the other as what {_whose(frame)} prefers, by "
        "the logarithm of the ratio.",
    )


def _whose(frame: str) -> str:
    return _WHOSE.get(frame, frame)


# Of all files there are; a light reading of their names alone.
MEASURES = measures([path.stem for path in sorted(PAIRS.glob("*.yaml"))])
