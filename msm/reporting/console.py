"""The result on the terminal: the headline table and the reading, from a finished report."""

from __future__ import annotations

from pathlib import Path

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from msm.evals.statistics import Sign
from msm.reporting.figures import signed
from msm.reporting.tables import BOTH
from msm.table import read_table


def result_table(out: Path) -> Group:
    """The headline contrasts of the report in ``out``, and one paragraph that reads them."""
    rows = read_table(out / "contrasts.csv")
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
    reading = (out / "reading.txt").read_text(encoding="utf-8").strip()
    return Group(table, Padding(Text(reading), (1, 0)))


def _figure(row: dict[str, str]) -> Text:
    """Value over interval; dim where the interval includes zero."""
    value, low, high = (signed(float(row[key])) for key in ("estimate", "low", "high"))
    style = "dim" if row["reading"] == Sign.UNCLEAR else "bold" if row["axis"] == BOTH else ""
    return Text(f"{value}\n[{low}, {high}]", style=style)
