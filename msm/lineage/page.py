"""A lineage as one HTML page, without scripts or remote parts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from msm.html_page import style, templates, write_html
from msm.lineage.drawing import BOX_HEIGHT, BOX_WIDTH, draw
from msm.lineage.facts import duration, facts, figure_text, totals
from msm.lineage.graph import SHORT, Lineage, Node, NodeKind
from msm.lineage.reference import Target

_HERE = Path(__file__).parent
_GROUPS = (
    (NodeKind.SPEC, "Specs"),
    (NodeKind.ITEMS, "Eval items"),
    (NodeKind.STUDENT, "Weights from outside"),
    (NodeKind.FILE, "Other files"),
)


@dataclass(frozen=True)
class Group:
    """Nodes of one kind, or outputs of one stage, under a heading."""

    title: str
    nodes: tuple[Node, ...]


def write_page(lineage: Lineage, target: Target, file: Path) -> None:
    """Write the page.

    Raises:
        UserError: the file cannot be written.
    """
    environment = templates(_HERE)
    environment.filters.update(
        facts=facts, duration=duration, short=lambda text: str(text)[:SHORT], anchor=_anchor
    )
    text = environment.get_template("page.html.jinja").render(
        target=target,
        lineage=lineage,
        root=lineage.nodes[lineage.root],
        totals=totals(lineage),
        drawing=draw(lineage),
        box=(BOX_WIDTH, BOX_HEIGHT),
        figure_text=figure_text,
        groups=_groups(lineage),
        readers=_readers(lineage),
        style=style(_HERE / "page.css"),
    )
    write_html(text, file)


def _groups(lineage: Lineage) -> list[Group]:
    """What is given first, then the outputs by stage, in the order in which they were made."""
    ordered = lineage.ordered()
    given = [
        Group(title, tuple(node for node in ordered if node.kind is kind))
        for kind, title in _GROUPS
    ]
    stages: dict[str, list[Node]] = {}
    for node in ordered:
        if node.kind is NodeKind.OUTPUT:
            stage = node.record.stage if node.record else node.label.partition("/")[0]
            stages.setdefault(stage, []).append(node)
    made = [Group(f"Outputs of {stage}", tuple(nodes)) for stage, nodes in stages.items()]
    return [group for group in (*given, *made) if group.nodes]


def _readers(lineage: Lineage) -> dict[str, int]:
    """How many nodes read each node."""
    counts: dict[str, int] = {}
    for edge in lineage.edges:
        counts[edge.target] = counts.get(edge.target, 0) + 1
    return counts


def _anchor(key: str) -> str:
    return "n-" + key.replace(":", "-")[: len("sha256-") + 2 * SHORT]
