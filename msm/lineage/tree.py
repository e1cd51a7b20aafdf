"""A lineage as a tree for the terminal: the thing first, what it was made of below it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.text import Text
from rich.tree import Tree

from msm.lineage.facts import NOT_FOUND, facts, figure_text, sums, totals
from msm.lineage.graph import Lineage, Node, NodeKind
from msm.lineage.reference import Target
from msm.reporting.origins import Figure

SHOWN = "see above"
NO_BREAK = "\u00a0"
_STYLES = {
    NodeKind.OUTPUT: "bold",
    NodeKind.SPEC: "bold green",
    NodeKind.ITEMS: "bold yellow",
    NodeKind.FILE: "bold yellow",
    NodeKind.STUDENT: "bold magenta",
}


@dataclass(frozen=True)
class Line:
    """One place in the tree. ``again`` says that the node is told of further up."""

    depth: int
    role: str
    node: Node
    again: bool
    left_out: int


def walk(lineage: Lineage) -> Iterator[Line]:
    """Every place of the tree in its order; what several read is told of at its first place."""
    opened: set[str] = set()
    waiting = [(0, "", node) for node in reversed(lineage.tops())]
    while waiting:
        depth, role, node = waiting.pop()
        inputs = lineage.inputs_of(node.key)
        again = node.key in opened
        left_out = len(node.record.inputs) - len(inputs) if node.record else 0
        yield Line(depth, role, node, again, left_out)
        if not again:
            opened.add(node.key)
            waiting += [(depth + 1, role, below) for role, below in reversed(inputs)]


def drawn(lineage: Lineage) -> list[Tree]:
    """The tree for a terminal, one for each thing that nothing else here read."""
    trees: list[Tree] = []
    branches: list[Tree] = []
    for line in walk(lineage):
        if line.depth == 0:
            trees.append(Tree(_styled(line), guide_style="dim"))
            branches = [trees[-1]]
        else:
            branch = branches[line.depth - 1].add(_styled(line))
            branches = [*branches[: line.depth], branch]
    return trees


def plain(lineage: Lineage) -> list[str]:
    """The same for a pipe or a file: one line a node, two spaces a level."""
    return [
        "  ".join(part for part in ("  " * line.depth + _named(line), *_told(line)) if part)
        for line in walk(lineage)
    ]


def summary(lineage: Lineage, target: Target) -> list[str]:
    """What was asked for, and the sums of its lineage."""
    told = [target.name]
    if target.aliases:
        told.append(f"aliases {', '.join(target.aliases)}")
    if target.run_id:
        told.append(f"MLflow run {target.run_id}")
    told += [figure_line(figure) for figure in target.figures]
    return [*told, *sums(totals(lineage))]


def figure_line(figure: Figure) -> str:
    """A figure with its interval and what it was counted over."""
    told = figure_text(figure.estimate, figure.low, figure.high, figure.unit)
    seeds = ", ".join(map(str, figure.seeds))
    return (
        f"{figure.key}: {told}, n = {figure.n:,} {figure.counted}, "
        f"seed{'s' if len(figure.seeds) > 1 else ''} {seeds}"
    )


def _named(line: Line) -> str:
    return f"{line.role}: {line.node.label}" if line.role else line.node.label


def _told(line: Line) -> list[str]:
    if line.again:
        return [line.node.short, SHOWN]
    told = [f"{name} {value}" for name, value in facts(line.node).items()]
    if line.left_out:
        told.append(f"{line.left_out} other inputs left out")
    return told


def _styled(line: Line) -> Text:
    text = Text()
    if line.role:
        text.append(f"{line.role}  ", style="cyan")
    text.append(line.node.label, style="dim" if line.again else _STYLES[line.node.kind])
    if line.again:
        return text.append(f"  {line.node.short}  {SHOWN}", style="dim")
    text.append("\n")
    for number, told in enumerate(_told(line)):
        style = "red" if told.startswith(NOT_FOUND) else "dim"
        text.append(("   " if number else "") + told.replace(" ", NO_BREAK), style=style)
    return text
