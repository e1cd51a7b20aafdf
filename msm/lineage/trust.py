"""From findings to what can still be trusted: the first stage that cannot, and all after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from msm.lineage.findings import Finding, Severity
from msm.lineage.graph import Lineage, Node, NodeKind


def untrusted(lineage: Lineage, findings: Iterable[Finding]) -> tuple[str, ...]:
    """The labels of what can no longer be trusted, in the order in which it was made.

    That is each output with a fault, or that read something with one, and all that was made of
    those. What stands in no lineage (the log of promotions) comes last.
    """
    faults = [item.node for item in findings if item.severity is Severity.FAULT]
    readers: dict[str, list[str]] = {}
    for edge in lineage.edges:
        readers.setdefault(edge.target, []).append(edge.source)
    reached = {key for key in faults if key in lineage.nodes}
    waiting = list(reached)
    while waiting:
        for key in readers.get(waiting.pop(), ()):
            if key not in reached:
                reached.add(key)
                waiting.append(key)
    place = made_in_order(lineage)
    outputs = [lineage.nodes[key] for key in reached if lineage.nodes[key].kind is NodeKind.OUTPUT]
    labels = [label_of(node) for node in sorted(outputs, key=lambda node: place[node.key])]
    return tuple(dict.fromkeys([*labels, *(key for key in faults if key not in lineage.nodes)]))


def label_of(node: Node) -> str:
    """``stage/name`` of an output, from its folder in a workspace: its record may be the fault."""
    parts = Path(node.place).parts
    return "/".join(parts[-2:]) if parts[-4:-3] == ("outputs",) else node.label


def made_in_order(lineage: Lineage) -> Mapping[str, tuple[int, str]]:
    """A place for each node: how many steps lie before it, and its label."""
    needs = {key: [node.key for _, node in lineage.inputs_of(key)] for key in lineage.nodes}
    levels: dict[str, int] = {}
    for node in lineage.ordered():
        levels[node.key] = 1 + max((levels[key] for key in needs[node.key]), default=0)
    return {key: (level, lineage.nodes[key].label) for key, level in levels.items()}
