"""The page of a review: one HTML file without scripts or remote parts.

Everything that a model or a person wrote is text here, and escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from msm.evals.measurement import Unit
from msm.html_page import style, templates, write_html
from msm.lineage.facts import facts
from msm.lineage.graph import Node, NodeKind
from msm.lineage.tree import Line
from msm.registry.review_sources import Made
from msm.registry.reviews import Reviewed
from msm.reporting.templates import TEMPLATES as REPORTING
from msm.review.blind import Drawn
from msm.review.entry import Entry
from msm.review.sides import Cell, Change, FigureRow, SpecDiff
from msm.review.verdict import Verdict

_HERE = Path(__file__).parent
SHORT = 12  # characters of an identity


@dataclass(frozen=True)
class Review:
    """All that the page says of a version. A ``…_note`` says why something is not there."""

    version: Reviewed
    made: Made
    author: str
    reading: str
    figures: tuple[FigureRow, ...]
    champion: Reviewed | None
    champion_note: str
    changes: tuple[Change, ...]
    spec_diff: SpecDiff | None
    verdict: Verdict | None
    verdict_note: str
    drawn: Drawn | None
    drawn_note: str
    lineage: tuple[Line, ...]
    lineage_sums: tuple[str, ...]
    lineage_note: str
    entries: tuple[Entry, ...]
    log_faults: tuple[str, ...]

    @property
    def groups(self) -> list[tuple[str, list[FigureRow]]]:
        """The figures by suite and role, in order."""
        found: dict[str, list[FigureRow]] = {}
        for row in self.figures:
            found.setdefault(row.group, []).append(row)
        return list(found.items())

    @property
    def overrides(self) -> tuple[Entry, ...]:
        """The promotions of this version against red gates."""
        return tuple(
            entry
            for entry in self.entries
            if entry.act.overridden and entry.act.version == self.version.version
        )


def write_review(review: Review, file: Path) -> None:
    """Write the page.

    Raises:
        UserError: the file cannot be written.
    """
    environment = templates(_HERE)
    environment.filters.update(
        cell=cell_value,
        interval=cell_interval,
        short=lambda text: str(text)[:SHORT],
        facts=facts,
        named=_named,
        when=lambda text: str(text)[:16].replace("T", " "),
    )
    text = environment.get_template("page.html.jinja").render(
        review=review,
        style=style(REPORTING / "report.css", _HERE / "page.css"),
        steps=_steps(review.lineage),
    )
    write_html(text, file)


def cell_value(cell: Cell) -> str:
    """A figure in its unit."""
    return _number(cell.value, cell.unit) + (" %" if cell.unit == Unit.SHARE else "")


def cell_interval(cell: Cell) -> str:
    """Its interval, "" where it has none."""
    if cell.low is None or cell.high is None:
        return ""
    return f"[{_number(cell.low, cell.unit)}, {_number(cell.high, cell.unit)}]"


def _number(value: float, unit: str) -> str:
    """Shares in per cent; nats with their sign, which is what they are read for."""
    if unit == Unit.SHARE:
        return f"{100 * value:.1f}"
    text = f"{value:+.3f}" if unit == Unit.NATS else f"{value:.2f}"
    return text.replace("-", "\u2212")


def _named(node: Node) -> str:
    """A node's label; of a path only its end, since the page is read on other machines."""
    if node.kind is NodeKind.OUTPUT:
        return node.label
    return "/".join(Path(node.label).parts[-2:])


def _steps(lines: Sequence[Line]) -> list[tuple[Line, int]]:
    """Each line of the tree with how many lists end behind it."""
    depths = [line.depth for line in lines] + [0]
    return [(line, depths[place] - depths[place + 1]) for place, line in enumerate(lines)]
