"""How the suites' figures are written: percent, points of a score, or nats."""

from __future__ import annotations

import math
from collections.abc import Mapping

from msm.evals.measurement import Unit
from msm.evals.statistics import Estimate, Interval, Saving
from msm.reporting.figures import MINUS

NOTHING = "–"
SMALLEST_P = 0.001


def level(value: float | None, unit: Unit) -> str:
    """A level: 42 %, 7.03 or 2.31."""
    if value is None:
        return NOTHING
    return f"{100 * value:.0f} %" if unit is Unit.SHARE else f"{value:.2f}".replace("-", MINUS)


def between(interval: Interval | None, unit: Unit) -> str:
    """The 95 % interval of a level."""
    if interval is None:
        return "[no interval]"
    if unit is Unit.SHARE:
        return f"[{100 * interval.low:.0f}, {100 * interval.high:.0f}]"
    return f"[{interval.low:.2f}, {interval.high:.2f}]".replace("-", MINUS)


def change(value: float, unit: Unit) -> str:
    """A difference with its sign; of rates, in percentage points."""
    digits, shown = (1, 100 * value) if unit is Unit.SHARE else (2, value)
    text = f"{shown:+.{digits}f}".replace("-", MINUS)
    return "0" if value == 0 else text


def change_between(estimate: Estimate, unit: Unit) -> str:
    """The 95 % interval of a difference."""
    return f"[{change(estimate.low, unit)}, {change(estimate.high, unit)}]"


def unit_name(unit: Unit) -> str:
    """What a difference is counted in."""
    return {Unit.SHARE: "percentage points", Unit.SCORE: "points", Unit.NATS: "nats"}[unit]


def p_value(p: float) -> str:
    """A p-value with three decimals."""
    return f"< {SMALLEST_P}" if p < SMALLEST_P else f"{p:.3f}"


def rows(count: float) -> str:
    """An amount of rows; 0 and infinity stand for an amount outside the curve."""
    if count == 0:
        return "fewer than were tried"
    return "more than were tried" if math.isinf(count) else f"{count:,.0f}"


def factor(value: float | None) -> str:
    """Rows without midtraining over rows with it."""
    if value is None:
        return "not told"
    if math.isinf(value):
        return "larger than can be told"
    return "smaller than can be told" if value == 0 else f"{value:.2g}"


def saving(found: Saving) -> str:
    """The saving in one sentence, without its rate."""
    if found.factor is None:
        side = "before the least" if found.rows_with == 0 else "after the most"
        return (
            f"Both arms reach it {side} rows that were tried, so the saving cannot be told at "
            "this rate."
        )
    low, high = (_end(end) for end in found.interval) if found.interval else ("", "")
    interval = f"95 % [{low}, {high}]" if found.interval else "no interval: too few resamples tell"
    return (
        f"Without midtraining it takes {rows(found.rows_without)} rows, with it "
        f"{rows(found.rows_with)}; the factor is {factor(found.factor)} ({interval}; told in "
        f"{100 * found.told:.0f} % of the resamples)."
    )


def checked(figure: Mapping[str, float | None]) -> str:
    """A figure of a judge's check, with its interval where there is one."""
    value, low, high = (figure[key] for key in ("value", "low", "high"))
    if value is None:
        return NOTHING
    ends = "" if low is None or high is None else f" [{low:.2f}, {high:.2f}]"
    return f"{value:.2f}{ends}".replace("-", MINUS)


def amount(count: float) -> str:
    """A whole number with separators."""
    return f"{count:,.0f}"


def seconds(value: float) -> str:
    """A duration in the largest fitting unit."""
    if value < 60:
        return f"{value:.0f} s"
    if value < 3600:
        return f"{value / 60:.0f} min"
    return f"{value / 3600:.1f} h"


def dollars(value: float) -> str:
    """US dollars."""
    return f"${value:,.2f}"


def _end(value: float) -> str:
    return "∞" if math.isinf(value) else f"{value:.2g}"
