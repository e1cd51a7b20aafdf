"""Published figures beside ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from msm.analysis import Analysis, Expected
from msm.evals.measurement import Measure, Unit
from msm.evals.statistics import Interval
from msm.reporting.suites.levels import Level
from msm.reporting.suites.samples import Missing, Suites


class Place(StrEnum):
    """Where a published figure lies."""

    INSIDE = "inside our interval"
    ABOVE = "above our interval"
    BELOW = "below our interval"
    UNKNOWN = "not told"


@dataclass(frozen=True)
class Beside:
    """A published figure and our level, None where we have none."""

    expected: Expected
    measure: Measure | None
    level: Level | None

    @property
    def unit(self) -> Unit:
        """The unit of both; a rate, where no arm tells it."""
        return self.measure.unit if self.measure else Unit.SHARE

    @property
    def ours(self) -> float | None:
        """Our own figure."""
        return self.level.value if self.level else None

    @property
    def interval(self) -> Interval | None:
        """Its interval."""
        return self.level.interval if self.level else None

    @property
    def place(self) -> Place:
        """Where the published figure lies, seen from our interval."""
        if self.interval is None:
            return Place.UNKNOWN
        low, high = self.interval
        if self.expected.value > high:
            return Place.ABOVE
        return Place.BELOW if self.expected.value < low else Place.INSIDE


def beside(
    suites: Suites, levels: Sequence[Level], analysis: Analysis
) -> tuple[tuple[Beside, ...], tuple[Missing, ...]]:
    """Every published figure of the recipe, and those for which we have nothing."""
    found = []
    for item in analysis.expected:
        measured = suites.find(item.suite, item.measure)
        key = suites.resolve(item.arm)
        level = next(
            (
                level
                for level in levels
                if (level.suite, level.measure.name, level.key) == (item.suite, item.measure, key)
                and level.value is not None
            ),
            None,
        )
        found.append(Beside(item, measured.measure if measured else None, level))
    missing = tuple(
        Missing(
            f"{item.expected.suite} {item.expected.measure} of {item.expected.arm}",
            f"a published figure ({item.expected.source}) has nothing of ours beside it",
        )
        for item in found
        if item.level is None
    )
    return tuple(found), missing
