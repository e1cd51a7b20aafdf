"""The scaling curve as drawn: rows on a log axis, rates with intervals, and the saving read off."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from msm.reporting.forest import Tick, nice_ticks
from msm.reporting.suites import writing
from msm.reporting.suites.scaling import ScalingResult

_APART = 3.0  # units between two curves at one amount, so that their bars do not cover each other


@dataclass(frozen=True)
class Canvas:
    """Where the plot's parts lie, in SVG units; ``between_labels`` keeps amounts legible."""

    name: str
    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    between_labels: int


WIDE = Canvas("wide", 760, 400, 52, 690, 44, 344, 54)
NARROW = Canvas("narrow", 400, 320, 42, 348, 58, 266, 46)


@dataclass(frozen=True)
class Point:
    """One point with its interval, and what it says to a pointer or a reader of the screen."""

    x: float
    y: float
    low: float
    high: float
    title: str


@dataclass(frozen=True)
class Line:
    """One curve: its points, and the path through them."""

    name: str
    path: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class ScalingPlot:
    """A plot ready to be written as SVG; ``reads`` are the rows at which the rate is met."""

    canvas: Canvas
    title: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    lines: tuple[Line, Line]
    rate_y: float
    rate_text: str
    reads: tuple[float, ...]


def lay_out_scaling(result: ScalingResult, canvas: Canvas) -> ScalingPlot:
    """Place both curves."""
    amounts = sorted({point.rows for curve in result.curves for point in curve.points})
    top = max(point.interval.high for curve in result.curves for point in curve.points)
    ceiling = min(1.0, max(top, result.rate) * 1.06)
    first, last = math.log(amounts[0]), math.log(amounts[-1])
    room = 14.0
    unit = result.measure.unit

    def across(rows: float) -> float:
        share = (math.log(rows) - first) / (last - first) if last > first else 0.5
        return round(canvas.left + room + share * (canvas.right - canvas.left - 2 * room), 1)

    def up(rate: float) -> float:
        return round(canvas.bottom - rate / ceiling * (canvas.bottom - canvas.top), 1)

    lines = []
    for side, curve in zip((-1, 1), result.curves, strict=True):
        points = tuple(
            Point(
                x=round(across(point.rows) + side * _APART, 1),
                y=up(point.rate),
                low=up(max(0.0, point.interval.low)),
                high=up(min(ceiling, point.interval.high)),
                title=f"{key}, {point.rows:,} rows: {writing.level(point.rate, unit)} "
                f"{writing.between(point.interval, unit)}",
            )
            for key, point in zip(curve.keys, curve.points, strict=True)
        )
        path = "L".join(f"{point.x} {point.y}" for point in points)
        lines.append(Line(curve.name, f"M{path}", points))
    reads = (result.saving.rows_without, result.saving.rows_with)
    return ScalingPlot(
        canvas=canvas,
        title=f"{result.suite} {result.measure.name} over rows of fine-tuning on a log axis, "
        "without and with midtraining; the table below holds the same figures",
        across=_labelled(amounts, across, canvas.between_labels),
        up=tuple(Tick(up(tick), f"{100 * tick:g} %") for tick in nice_ticks(0, ceiling, 5)),
        lines=(lines[0], lines[1]),
        rate_y=up(result.rate),
        rate_text=f"{100 * result.rate:.1f} %",
        reads=tuple(across(rows) for rows in reads if 0 < rows < math.inf),
    )


def _labelled(
    amounts: list[int], across: Callable[[float], float], between: int
) -> tuple[Tick, ...]:
    """A tick for each amount; a label that would touch the one before it is left out."""
    ticks: list[Tick] = []
    last = -math.inf
    for amount in amounts:
        x = across(amount)
        fits = x - last >= between
        last = x if fits else last
        ticks.append(Tick(x, f"{amount:,}" if fits else ""))
    return tuple(ticks)
