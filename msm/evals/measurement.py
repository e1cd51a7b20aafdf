"""The one form in which every suite hands over what it found: a figure of one sample.

A suite has measures; a measurement is the value of one measure for one sample. Arms are compared by
``item``, intervals are taken over ``cluster``; a report needs to know no more of a suite than this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Unit(StrEnum):
    """What a value is: 0 or 1, whose mean is a rate; a judge's score from 1 to 10; or nats."""

    SHARE = "share"
    SCORE = "score"
    NATS = "nats"


class Better(StrEnum):
    """Which way is better, where one is."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


class Role(StrEnum):
    """What a measure is for: the suite's main figure, a part of it, or how sound it is.

    A health measure (parse rate, refusals, well-formed actions) says how far the others can be
    believed, and enters no comparison of arms.
    """

    MAIN = "main"
    DETAIL = "detail"
    HEALTH = "health"


@dataclass(frozen=True)
class Measure:
    """One figure of a suite; ``says`` is one sentence on what a higher value means."""

    name: str
    unit: Unit
    better: Better
    role: Role
    says: str


@dataclass(frozen=True)
class Measurement:
    """The value of a measure for one sample.

    ``item`` is what was asked, the same for all arms; items of one ``cluster`` are not independent.
    ``value`` is None where nothing was measured, with the reason in ``why``: never a zero.
    """

    measure: str
    item: str
    cluster: str
    epoch: int
    value: float | None
    why: str = ""


# From a folder of Inspect logs.
Read = Callable[[Path], list[Measurement]]
