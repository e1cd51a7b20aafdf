"""What a record says of an output, in words for a person; and the sums over a lineage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msm.lineage.graph import SHORT, Lineage, Node, NodeKind
from msm.record import Record

COMMIT = 10  # characters of a commit
NOT_FOUND = "not found"


@dataclass(frozen=True)
class Totals:
    """Sums over the outputs of a lineage, each counted once; ``days`` are hours of work, in days.

    ``outside`` counts specs, eval items, files and weights.
    """

    outputs: int
    outside: int
    missing: int
    tokens: int
    cost: float
    seconds: float
    commits: tuple[str, ...]
    images: tuple[str, ...]
    dirty: int


def totals(lineage: Lineage) -> Totals:
    """Sum up a lineage."""
    records = [node.record for node in lineage.nodes.values() if node.record]
    return Totals(
        outputs=sum(node.kind is NodeKind.OUTPUT for node in lineage.nodes.values()),
        outside=sum(node.kind is not NodeKind.OUTPUT for node in lineage.nodes.values()),
        missing=len(lineage.missing()),
        tokens=sum(record.outcome.tokens for record in records),
        cost=sum(record.outcome.cost for record in records),
        seconds=sum(record.seconds for record in records),
        commits=tuple(sorted({commit for r in records if (commit := r.code.get("commit"))})),
        images=tuple(sorted({image for r in records if (image := r.code.get("image"))})),
        dirty=sum(bool(record.code.get("dirty")) for record in records),
    )


def facts(node: Node) -> Mapping[str, str]:
    """What is known of a node, by name, without what is empty; the same order for all."""
    found: dict[str, str] = {}
    if node.identity:
        found["identity"] = node.identity[:SHORT]
    found["digest"] = node.digest[:SHORT]
    if node.record is not None:
        found |= _of_record(node.record)
    if not node.found:
        found[NOT_FOUND] = "record" if node.kind is NodeKind.OUTPUT else "files"
    return found


def _of_record(record: Record) -> dict[str, str]:
    outcome = record.outcome
    return {
        name: text
        for name, text in (
            ("commit", commit(record)),
            (
                "image",
                str(record.code.get("image") or "").rpartition("@")[2][: len("sha256:") + SHORT],
            ),
            ("seed", "" if record.seed is None else str(record.seed)),
            ("rows", f"{outcome.rows_out:,}" if outcome.rows_out else ""),
            ("tokens", f"{outcome.tokens:,}" if outcome.tokens else ""),
            ("cost", dollars(outcome.cost) if outcome.cost else ""),
            ("time", duration(record.seconds)),
        )
        if text
    }


def commit(record: Record) -> str:
    """The beginning of the commit, marked if the tree was not clean; "" if unknown."""
    told = str(record.code.get("commit") or "")[:COMMIT]
    return f"{told} (dirty)" if told and record.code.get("dirty") else told


def duration(seconds: float) -> str:
    """``0.4 s``, ``43 s``, ``12 min`` or ``3.1 h``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def dollars(cost: float) -> str:
    """US dollars; small sums with four digits, so that none looks like nothing."""
    return f"$ {cost:,.2f}" if cost >= 1 else f"$ {cost:.4f}"


def sums(found: Totals) -> list[str]:
    """The totals as a few short lines."""
    lines = [
        f"{found.outputs} outputs of {found.outside} things from outside"
        + (f", {found.missing} not found" if found.missing else ""),
        f"{found.tokens:,} tokens, {dollars(found.cost) if found.cost else 'no cost'}, "
        f"{duration(found.seconds)} of work",
    ]
    commits = ", ".join(each[:COMMIT] for each in found.commits) or "unknown"
    dirty = f"; {found.dirty} outputs from a tree that was not clean" if found.dirty else ""
    lines.append(f"commit{'s' if len(found.commits) > 1 else ''} {commits}{dirty}")
    images = ", ".join(found.images)
    lines.append(f"images {images}" if images else "made outside of images")
    return lines


def figure_text(estimate: float | None, low: float | None, high: float | None, unit: str) -> str:
    """A figure with its interval in its unit."""
    if estimate is None:
        return "not measured"
    scale, digits, sign = (100.0, 1, " %") if unit == "share" else (1.0, 2, f" {unit}")
    told = f"{estimate * scale:.{digits}f}{sign}"
    if low is None or high is None:
        return told
    return f"{told} [{low * scale:.{digits}f}, {high * scale:.{digits}f}]"
