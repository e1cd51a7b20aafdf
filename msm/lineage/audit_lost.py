"""Outputs whose record is not where their readers say: removed, unreadable, or another's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from msm.errors import UserError
from msm.identity import RECORD
from msm.lineage.audit_record import own_faults
from msm.lineage.findings import Check, Finding, NotChecked, Severity
from msm.lineage.graph import Edge, Lineage, Node
from msm.record import Record, read_record


def lost_findings(lineage: Lineage, root: Path) -> Iterator[Finding | NotChecked]:
    """What became of the outputs of a lineage whose record was not found by its identity.

    Where both records hold together, and the content is what was read, it is the reader's note of
    the identity that is wrong: the identity of an input is no part of its reader's own.
    """
    for key, edge in _first_reader(lineage).items():
        node, reader = lineage.nodes[key], lineage.nodes[edge.source]
        if node.record is not None or not node.identity or reader.record is None:
            continue
        item = reader.record.inputs[edge.role]
        place = root / item.path  # an absolute path stays as it is
        file = place / RECORD
        try:
            record = read_record(place)
        except UserError as error:
            yield _fault(node, file, f"cannot be read: {error}")
            continue
        if record is None:
            if place.is_dir() and any(place.iterdir()):
                yield _fault(node, file, "is missing, though the folder is there")
            else:
                yield NotChecked(Check.FILES, node.label, f"there is no {place}")
        elif _holds(record) and record.digest == item.digest:
            yield _fault(
                reader,
                Path(reader.place) / RECORD,
                f"notes another identity of {node.label} than its record has",
            )
        else:
            yield _fault(
                node,
                file,
                f"is of the identity {record.identity[:12]}, but {reader.label} read "
                f"{node.identity[:12]}",
            )


def _first_reader(lineage: Lineage) -> Mapping[str, Edge]:
    """For each node an edge to one that read it, best to one whose own record holds together."""
    found: dict[str, Edge] = {}
    for edge in lineage.edges:
        record = lineage.nodes[edge.source].record
        if edge.target not in found or (record is not None and _holds(record)):
            found.setdefault(edge.target, edge)
    return found


def _holds(record: Record) -> bool:
    return not own_faults(record, None)


def _fault(node: Node, file: Path, message: str) -> Finding:
    return Finding(Severity.FAULT, Check.RECORD, node.key, str(file), message)
