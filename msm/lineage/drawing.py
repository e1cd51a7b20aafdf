"""Where the boxes and lines of a drawn lineage go: columns from what is given to the thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msm.lineage.graph import Lineage, Node, NodeKind

BOX_WIDTH, BOX_HEIGHT = 190, 38  # in CSS pixels, as everything here
GAP_ACROSS, GAP_DOWN = 46, 10
MARGIN = 12
SWEEPS = 8  # over the columns, to bring what belongs together to one height
LABEL = 26  # characters that have room


@dataclass(frozen=True)
class Box:
    """One node, at its upper left corner."""

    node: Node
    x: float
    y: float
    root: bool

    @property
    def title(self) -> str:
        """The label, shortened to the room: of a path the end stays, of an output both ends."""
        head = LABEL // 3 if self.node.kind is NodeKind.OUTPUT else 0
        return shortened(self.node.label, LABEL, head)


@dataclass(frozen=True)
class Line:
    """A curve from an input's right side to the left side of what read it."""

    role: str
    path: str


@dataclass(frozen=True)
class Drawing:
    """Everything in place; ``width`` and ``height`` of the whole."""

    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    width: float
    height: float


def draw(lineage: Lineage) -> Drawing:
    """Place every node: in the column after its last input, what is given just before its reader.

    The same lineage gives the same drawing.
    """
    columns = _ordered(_columns(lineage), lineage)
    tallest = max(len(column) for column in columns)
    height = 2 * MARGIN + tallest * BOX_HEIGHT + (tallest - 1) * GAP_DOWN
    boxes: dict[str, Box] = {}
    for number, column in enumerate(columns):
        taken = len(column) * (BOX_HEIGHT + GAP_DOWN) - GAP_DOWN
        top = (height - taken) / 2
        for place, key in enumerate(column):
            boxes[key] = Box(
                lineage.nodes[key],
                MARGIN + number * (BOX_WIDTH + GAP_ACROSS),
                top + place * (BOX_HEIGHT + GAP_DOWN),
                key == lineage.root,
            )
    lines = tuple(
        Line(edge.role, _curve(boxes[edge.target], boxes[edge.source])) for edge in lineage.edges
    )
    width = 2 * MARGIN + len(columns) * (BOX_WIDTH + GAP_ACROSS) - GAP_ACROSS
    return Drawing(tuple(boxes.values()), lines, width, height)


def shortened(text: str, room: int, head: int) -> str:
    """A text of at most ``room`` characters, something left out behind its first ``head``."""
    if len(text) <= room:
        return text
    return f"{text[:head]}…{text[-(room - head - 1) :]}"


def _columns(lineage: Lineage) -> list[list[str]]:
    """Keys by column: an output stands after all that it read."""
    ranks: dict[str, int] = {}
    for node in lineage.ordered():
        below = [ranks[item.key] for _, item in lineage.inputs_of(node.key)]
        ranks[node.key] = 1 + max(below) if below else 0
    readers: dict[str, list[int]] = {}
    for edge in lineage.edges:
        readers.setdefault(edge.target, []).append(ranks[edge.source])
    for key in lineage.nodes:
        if not lineage.inputs_of(key) and key in readers:
            ranks[key] = min(readers[key]) - 1
    columns: list[list[str]] = [[] for _ in range(max(ranks.values()) + 1)]
    for key in lineage.nodes:
        columns[ranks[key]].append(key)
    return columns


def _ordered(columns: list[list[str]], lineage: Lineage) -> list[list[str]]:
    """Each column sorted by the mean height of what it was read by, then of what it read.

    In turns, from the right and from the left; what has none of them keeps its height.
    """
    read_by: dict[str, list[str]] = {}
    read: dict[str, list[str]] = {}
    for edge in lineage.edges:
        read.setdefault(edge.source, []).append(edge.target)
        read_by.setdefault(edge.target, []).append(edge.source)
    heights = _heights(columns)
    for sweep in range(SWEEPS):
        near, turn = (read, columns) if sweep % 2 else (read_by, columns[::-1])
        for column in turn:
            column.sort(key=lambda key: _mean(key, near, heights))
            heights |= _heights([column])
    return columns


def _heights(columns: list[list[str]]) -> dict[str, float]:
    """Each node's place in its column, from 0 to 1."""
    return {
        key: (place + 0.5) / len(column) for column in columns for place, key in enumerate(column)
    }


def _mean(key: str, near: Mapping[str, list[str]], heights: Mapping[str, float]) -> float:
    around = near.get(key) or [key]
    return sum(heights[other] for other in around) / len(around)


def _curve(start: Box, end: Box) -> str:
    x1, y1 = start.x + BOX_WIDTH, start.y + BOX_HEIGHT / 2
    x2, y2 = end.x, end.y + BOX_HEIGHT / 2
    bend = max(GAP_ACROSS / 2, (x2 - x1) / 2)
    return f"M{x1:g} {y1:g} C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"
