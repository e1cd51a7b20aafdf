"""Every file of a lineage, hashed where it lies and compared with what records say of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msm.identity import RECORD, WORK, digest_value, is_content
from msm.lineage.audit_record import own_faults
from msm.lineage.findings import Check, Finding, NotChecked, Severity
from msm.lineage.graph import Lineage, Node, NodeKind
from msm.lineage.hashing import Hashed
from msm.record import Record
from msm.store import SCHEME

Found = Mapping[str, Hashed]  # by the name relative to a place; a place that is a file is "."


def local_place(node: Node) -> Path | None:
    """The folder or file of a node, if it lies on a disk that can be read here."""
    if not node.place or node.place.startswith(SCHEME):
        return None
    return Path(node.place)


def files_below(place: Path) -> tuple[Path, ...]:
    """A file, or the files of a folder; what a stage kept while it worked is left out."""
    if place.is_file():
        return (place,)
    return tuple(
        path
        for path in sorted(place.rglob("*"))
        if path.is_file() and path.relative_to(place).parts[0] != WORK
    )


def found_below(place: Path, paths: Iterable[Path], hashes: Mapping[Path, Hashed]) -> Found:
    """The hashes of a place's files, by relative name."""
    return {path.relative_to(place).as_posix(): hashes[path] for path in paths}


def output_findings(node: Node, record: Record, place: str, found: Found) -> Iterator[Finding]:
    """Compare an output's files with its record: changed, missing, unreadable, or not named in it.

    Args:
        node: the output.
        record: of this copy of it.
        place: where this copy lies.
        found: all files of it.
    """

    def fault(name: str, message: str) -> Finding:
        return Finding(Severity.FAULT, Check.FILES, node.key, f"{place}/{name}", message)

    for name, entry in sorted(record.files.items()):
        there = found.get(name)
        if there is None:
            yield fault(name, "is missing, and the record names it")
        elif there.fault:
            yield fault(name, f"cannot be read: {there.fault}")
        elif there.sha256 != entry.sha256:
            yield fault(name, "is not as it was made: its SHA-256 differs from the record's")
        elif there.size != entry.size:
            yield fault(name, f"has {there.size} bytes, and the record says {entry.size}")
    for name in sorted(found):
        if is_content(name) and name not in record.files:
            yield fault(name, "is not in the record: it was put there later")


def outside_findings(lineage: Lineage, node: Node, found: Found) -> Iterator[Finding]:
    """Compare what no stage made (a spec, eval items, a start model) with what was read of it.

    A reader whose own record does not hold together is no witness.
    """
    if not _read_by_sound(lineage, node):
        return
    for name, hashed in found.items():
        if hashed.fault:
            yield Finding(
                Severity.FAULT,
                Check.FILES,
                node.key,
                f"{node.place}/{name}".removesuffix("/."),
                f"cannot be read: {hashed.fault}",
            )
    digest = content_digest(found)
    if digest != node.digest:
        only = next(iter(found)) if len(found) == 1 else "."
        yield Finding(
            Severity.FAULT,
            Check.FILES,
            node.key,
            f"{node.place}/{only}".removesuffix("/."),
            f"is not what was read: its content digest is {digest[:12]}, not {node.digest[:12]}",
        )


def content_digest(found: Found) -> str:
    """As ``msm.identity.digest_path``, of files that are hashed already."""
    if set(found) == {"."}:
        return found["."].sha256
    return digest_value({name: item.sha256 for name, item in found.items() if is_content(name)})


def input_findings(lineage: Lineage) -> Iterator[Finding]:
    """The digest that a reader noted of its input is that which the input's own record states."""
    for edge in lineage.edges:
        reader, read = lineage.nodes[edge.source], lineage.nodes[edge.target]
        if reader.record is None or own_faults(reader.record, None):
            continue
        item = reader.record.inputs.get(edge.role)
        if item is None or read.record is None:
            continue
        if read.record.digest != item.digest:
            yield Finding(
                Severity.FAULT,
                Check.INPUTS,
                read.key,
                f"{read.place}/{RECORD}",
                f"states the content {read.record.digest[:12]}, but {reader.label} read "
                f"{item.digest[:12]} of it",
            )


def unplaced(lineage: Lineage) -> Iterator[NotChecked]:
    """What was found nowhere: its bytes are not checked, only that its readers agree on them."""
    for node in lineage.nodes.values():
        if not node.place:
            what = "its record" if node.kind is NodeKind.OUTPUT else "it"
            yield NotChecked(Check.FILES, node.label, f"{what} was found nowhere")


def _read_by_sound(lineage: Lineage, node: Node) -> bool:
    readers = (lineage.nodes[edge.source] for edge in lineage.edges if edge.target == node.key)
    return any(
        reader.record is not None and not own_faults(reader.record, None) for reader in readers
    )
