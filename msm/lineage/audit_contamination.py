"""Whether all text behind a measured checkpoint was compared with what the checkpoint was asked."""

from __future__ import annotations

from collections.abc import Iterator

from msm.identity import RECORD
from msm.lineage.findings import Check, Finding, Severity
from msm.lineage.graph import Lineage, Node
from msm.record import Record
from msm.task import Stage

ASKED = ("suite", "prompts")  # how the roles of what an evaluation asks begin
_TEXT = ("corpus", "chats", "other")  # how those of rows taken from another output begin


def compared_findings(lineage: Lineage) -> Iterator[Finding]:
    """For each evaluation: every set of rows behind its checkpoint was compared with its prompts.

    A mix, or a set drawn from another, was compared where its rows come from.
    """
    for node in lineage.nodes.values():
        record = node.record
        if record is None or record.stage != Stage.EVALUATE or "checkpoint" not in record.inputs:
            continue
        asked = _asked(record)
        seen: set[str] = set()
        for role, made in lineage.inputs_of(node.key):
            if role != "checkpoint":
                continue
            for text in _made_text(lineage, made, seen):
                missing = asked - _asked(text.record) if text.record else frozenset()
                if missing:
                    yield Finding(
                        Severity.FAULT,
                        Check.CONTAMINATION,
                        text.key,
                        f"{text.place}/{RECORD}",
                        f"was never compared with what {node.label} asks",
                    )


def _made_text(lineage: Lineage, node: Node, seen: set[str]) -> Iterator[Node]:
    """The outputs whose rows were compared with an evaluation, behind a checkpoint or a set."""
    if node.key in seen or node.record is None:
        return
    seen.add(node.key)
    if node.record.stage in (Stage.CURATE, Stage.DEMONSTRATE) and _asked(node.record):
        yield node
        return
    taken = [
        made
        for role, made in lineage.inputs_of(node.key)
        if role == "checkpoint" or role.partition("-")[0] in _TEXT
    ]
    text = node.record.stage in (Stage.CURATE, Stage.DEMONSTRATE)
    if text and not taken:
        yield node
    for made in taken:
        yield from _made_text(lineage, made, seen)


def _asked(record: Record) -> frozenset[str]:
    return frozenset(
        item.digest for role, item in record.inputs.items() if role.partition("-")[0] in ASKED
    )
