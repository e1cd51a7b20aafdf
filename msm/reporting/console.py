"""The result on the terminal: the headline tables and the reading, from a finished report."""

from __future__ import annotations

from pathlib import Path

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from msm.evals.measurement import Role, Unit
from msm.evals.statistics import Interval, Sign
from msm.reporting.figures import signed
from msm.reporting.scores import ArmKey
from msm.reporting.suites.writing import NOTHING, between, level
from msm.reporting.tables import BOTH
from msm.table import read_table


def result_table(out: Path) -> Group:
    """The headline contrasts of the report in ``out``, its suites, and what reads them."""
    contrasts = read_table(out / "contrasts.csv")
    suites = out / "suites.csv"
    tables = [_suites(read_table(suites))] if suites.exists() else []
    if contrasts or not tables:
        tables.insert(0, _contrasts(contrasts))
    reading = (out / "reading.txt").read_text(encoding="utf-8").strip()
    return Group(*tables, Padding(Text(reading), (1, 0)))


def _contrasts(rows: list[dict[str, str]]) -> Table:
    """Headline contrasts by axes."""
    chosen = [row for row in rows if row["headline"] == "1"] or rows
    axes = list(dict.fromkeys(row["axis"] for row in chosen if row["axis"] != BOTH))
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("contrast, nats [95 %]", ratio=1, min_width=24)
    for axis in ("mean", *axes):
        table.add_column(Text(axis), justify="right", min_width=14)
    line: list[Text] = []
    for row in chosen:
        if row["axis"] == BOTH and line:
            table.add_row(*line)
            line = []
        if row["axis"] == BOTH:
            line.append(Text(row["contrast"]))
        line.append(_figure(row))
    if line:
        table.add_row(*line)
    return table


def _suites(rows: list[dict[str, str]]) -> Table:
    """Main measures and arms; whichever are more stand below each other."""
    main = [row for row in rows if row["role"] == Role.MAIN]
    places = [(f"{row['suite']} {row['measure']}", str(_key(row))) for row in main]
    found = {place: _level(row) for place, row in zip(places, main, strict=True)}
    measures = list(dict.fromkeys(measure for measure, _ in places))
    arms = list(dict.fromkeys(arm for _, arm in places))
    upright = len(arms) > len(measures)
    down, across = (arms, measures) if upright else (measures, arms)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("main measures [95 %]", ratio=1, min_width=20)
    for name in across:
        table.add_column(Text(name), justify="right", min_width=8)
    for line in down:
        cells = [found.get((name, line) if upright else (line, name)) for name in across]
        table.add_row(Text(line), *(cell or Text("not run", style="dim") for cell in cells))
    return table


def _key(row: dict[str, str]) -> ArmKey:
    return ArmKey(row["arm"], row["spec"])


def _level(row: dict[str, str]) -> Text:
    unit = Unit(row["unit"])
    if not row["value"]:
        return Text(NOTHING, style="dim")
    ends = Interval(float(row["low"]), float(row["high"])) if row["low"] else None
    return Text(f"{level(float(row['value']), unit)}\n{between(ends, unit)}")


def _figure(row: dict[str, str]) -> Text:
    """Value over interval; dim where the interval includes zero."""
    value, low, high = (signed(float(row[key])) for key in ("estimate", "low", "high"))
    style = "dim" if row["reading"] == Sign.UNCLEAR else "bold" if row["axis"] == BOTH else ""
    return Text(f"{value}\n[{low}, {high}]", style=style)
