"""The recipe's ``gates``: what has to hold before a candidate is promoted. In no identity.

Every bound is on the end of a 95 % interval, never on the value in its middle: a small sample has
a wide interval, and so passes no gate that it says nothing about.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from msm.parts import Part


class Reviewers(StrEnum):
    """How many people a promotion takes; with two, the reviewer did not register the version."""

    ONE = "one"
    TWO = "two"


class Bound(Part):
    """Where the whole interval has to lie; in shares from 0 to 1, scores or nats."""

    above: float | None = Field(default=None, description="the interval's lower end is above it")
    below: float | None = Field(default=None, description="the interval's upper end is below it")

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.above is None and self.below is None:
            raise ValueError("a gate needs 'above' or 'below'")
        return self

    def holds(self, low: float, high: float) -> bool:
        """Whether an interval lies within."""
        return (self.above is None or low > self.above) and (
            self.below is None or high < self.below
        )

    @property
    def asked(self) -> str:
        """In words."""
        told = []
        if self.above is not None:
            told.append(f"lower end above {self.above:g}")
        if self.below is not None:
            told.append(f"upper end below {self.below:g}")
        return ", ".join(told)


class Level(Bound):
    """A suite's figure of the candidate's arm, over all its seeds."""

    suite: str
    measure: str


class ContrastBound(Bound):
    """A contrast of the recipe's analysis, by its label: on word pairs or on a suite."""

    contrast: str


class Loss(Part):
    """No loss against the start model: the interval of the difference stays on this side."""

    suite: str = "capability"
    measures: tuple[str, ...] = Field(default=(), description="all main measures if left out")
    at_most: float = Field(ge=0, description="in the measure's unit")


class Gates(Part):
    """All gates of a recipe. A figure that a gate asks for and the report lacks makes it red."""

    levels: tuple[Level, ...] = ()
    contrasts: tuple[ContrastBound, ...] = ()
    losses: tuple[Loss, ...] = ()
    graded: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="share of samples with a value, of each main figure: lower end above it",
    )
    seeds: int = Field(default=1, ge=1, description="training runs of the arm, at least")
    samples: int = Field(
        default=1,
        ge=1,
        description="graded samples, or items of a contrast, of each figure a gate reads",
    )
    decontaminated: bool = Field(
        default=True, description="training text was compared with every prompt of the evaluation"
    )
    adapter_applied: bool = Field(
        default=True, description="every evaluation of the arm probed that its outputs changed"
    )
    audit: bool = Field(default=True, description="`msm audit` of the version is green")
    reviewers: Reviewers = Reviewers.ONE
