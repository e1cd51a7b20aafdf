"""The forest plot: one row a difference with its interval, below it a lighter row for each part."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from msm.evals.statistics import Estimate, Sign
from msm.reporting.figures import interval, signed

_ROW, _SUBROW, _LINE, _GAP, _AXIS = 24, 19, 16, 9, 46
_NICE = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Layout:
    """Where a plot's parts lie, in SVG units; ``stacked`` puts the label above its row."""

    name: str
    width: int
    left: int
    right: int
    label_characters: int
    ticks: int
    stacked: bool


WIDE = Layout("wide", 1000, 396, 800, 52, 8, stacked=False)
NARROW = Layout("narrow", 400, 62, 258, 50, 4, stacked=True)


@dataclass(frozen=True)
class Entry:
    """A difference to draw, and its parts, such as those of each axis."""

    label: str
    overall: Estimate
    parts: tuple[tuple[str, Estimate], ...] = ()


@dataclass(frozen=True)
class Scale:
    """What the axis counts, what the plot is to one who cannot see it, and how figures read."""

    axis: str
    title: str
    value: Callable[[float], str]
    interval: Callable[[Estimate], str]


LOG_PROBABILITIES = Scale(
    axis="difference of log-probabilities, nats",
    title="Forest plot: each headline contrast with its 95 % interval, in nats; the table beside "
    "it holds the same figures",
    value=signed,
    interval=interval,
)


@dataclass(frozen=True)
class Tick:
    """A grid line and its label."""

    x: float
    text: str


@dataclass(frozen=True)
class Row:
    """One interval as drawn: its label's lines, the bar, the marker, and a dot for each seed."""

    label: tuple[tuple[float, str], ...]
    sub: bool
    filled: bool
    y: float
    low: float
    high: float
    x: float
    dots: tuple[float, ...]
    value: str
    interval: str
    separator: float | None


@dataclass(frozen=True)
class Plot:
    """A plot ready to be written as SVG."""

    layout: Layout
    scale: Scale
    height: float
    bottom: float
    zero: float
    ticks: tuple[Tick, ...]
    rows: tuple[Row, ...]
    seeds_shown: bool


def lay_out(entries: Sequence[Entry], layout: Layout, scale: Scale) -> Plot:
    """Place every row; an empty plot has no rows."""
    estimates = [e for r in entries for e in (r.overall, *(part for _, part in r.parts))]
    low, high = _span(estimates)
    ticks = nice_ticks(low, high, layout.ticks)

    def across(value: float) -> float:
        return _round(layout.left + (value - low) / (high - low) * (layout.right - layout.left))

    rows: list[Row] = []
    y = 10.0
    for entry in entries:
        lines = textwrap.wrap(entry.label, layout.label_characters) or [""]
        separator = y if rows else None
        y += _GAP
        if layout.stacked:
            heights = [y + _LINE * (index + 0.7) for index in range(len(lines))]
            y += _LINE * len(lines)
            centre = y + _ROW / 2
            y += _ROW
        else:
            depth = max(_ROW, _LINE * len(lines) + 4)
            centre = y + _ROW / 2
            heights = [centre + 4.5 + _LINE * index for index in range(len(lines))]
            y += depth
        label = tuple((_round(at), line) for at, line in zip(heights, lines, strict=True))
        rows.append(_row(entry.overall, label, centre, across, separator, scale, sub=False))
        for part_name, part in entry.parts:
            centre = y + _SUBROW / 2
            y += _SUBROW
            name = textwrap.shorten(part_name, 8 if layout.stacked else 40, placeholder="…")
            rows.append(_row(part, ((centre + 4, name),), centre, across, None, scale, sub=True))
        y += _GAP
    return Plot(
        layout=layout,
        scale=scale,
        height=_round(y + _AXIS),
        bottom=_round(y),
        zero=across(0.0),
        ticks=tuple(Tick(across(tick), _tick_text(tick)) for tick in ticks),
        rows=tuple(rows),
        seeds_shown=any(row.dots for row in rows),
    )


def nice_ticks(low: float, high: float, wanted: int) -> list[float]:
    """About ``wanted`` round values from low to high."""
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(nice * power for nice in _NICE if nice * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step), math.floor(high / step)
    return [round(index * step, 10) for index in range(first, last + 1)]


def _span(estimates: Iterable[Estimate]) -> tuple[float, float]:
    """A range that holds every interval, every seed and zero, with a little room."""
    ends = [0.0]
    for estimate in estimates:
        ends += [estimate.low, estimate.high, *estimate.by_seed]
    low, high = min(ends), max(ends)
    room = 0.03 * (high - low) or 1.0
    return low - room, high + room


def _row(
    estimate: Estimate,
    label: tuple[tuple[float, str], ...],
    y: float,
    across: Callable[[float], float],
    separator: float | None,
    scale: Scale,
    sub: bool,
) -> Row:
    return Row(
        label=label,
        sub=sub,
        filled=estimate.sign is not Sign.UNCLEAR,
        y=_round(y),
        low=across(estimate.low),
        high=across(estimate.high),
        x=across(estimate.value),
        dots=tuple(across(value) for value in estimate.by_seed) if estimate.seeds > 1 else (),
        value=scale.value(estimate.value),
        interval=scale.interval(estimate),
        separator=separator,
    )


def _tick_text(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _round(value: float) -> float:
    return round(value, 1)
