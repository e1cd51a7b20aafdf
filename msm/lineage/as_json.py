"""A lineage for other programs, as one JSON value."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from msm.lineage.facts import totals
from msm.lineage.graph import Lineage, Node
from msm.lineage.reference import Target
from msm.record import Record
from msm.reporting.origins import Figure


def lineage_json(lineage: Lineage, target: Target) -> dict[str, Any]:
    """The target, every node after what it read (with its whole record), edges and sums."""
    return {
        "target": {
            "name": target.name,
            "identity": target.identity,
            "digest": target.digest or lineage.nodes[lineage.root].digest,
            "report": target.report,
            "aliases": list(target.aliases),
            "run_id": target.run_id,
            "tags": dict(target.tags),
            "figures": [_figure(figure, lineage) for figure in target.figures],
        },
        "root": lineage.root,
        "nodes": [_node(node) for node in lineage.ordered()],
        "edges": [asdict(edge) for edge in lineage.edges],
        "missing": [node.key for node in lineage.missing()],
        "totals": asdict(totals(lineage)),
    }


def _node(node: Node) -> dict[str, Any]:
    return {
        "key": node.key,
        "kind": node.kind.value,
        "label": node.label,
        "experiment": node.experiment,
        "identity": node.identity,
        "digest": node.digest,
        "place": node.place,
        "record": _record(node.record) if node.record else None,
    }


def _record(record: Record) -> dict[str, Any]:
    """As ``asdict``, which copies every value, takes ten times as long."""
    return {
        **vars(record),
        "inputs": {role: vars(item) for role, item in record.inputs.items()},
        "files": {name: vars(entry) for name, entry in record.files.items()},
        "outcome": vars(record.outcome),
    }


def _figure(figure: Figure, lineage: Lineage) -> dict[str, Any]:
    sources = {
        role: node.identity or node.digest
        for role, node in lineage.inputs_of(lineage.root)
        if role in figure.sources
    }
    return {**asdict(figure), "sources": sources}
