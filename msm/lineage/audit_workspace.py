"""The audit of what lies in the workspace: one reading of every file, for all checks on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msm
from msm.identity import RECORD
from msm.lineage.audit_checkpoints import checkpoint_findings, kept_checkpoints
from msm.lineage.audit_code import check_commits
from msm.lineage.audit_contamination import compared_findings
from msm.lineage.audit_files import (
    files_below,
    found_below,
    input_findings,
    local_place,
    output_findings,
    outside_findings,
    unplaced,
)
from msm.lineage.audit_lost import lost_findings
from msm.lineage.audit_record import (
    contamination_findings,
    image_findings,
    probe_findings,
    record_findings,
    tree_findings,
)
from msm.lineage.dvc_view import DvcView, dvc_part, read_dvc
from msm.lineage.findings import Check, Finding, NotChecked, Part, join_parts
from msm.lineage.graph import Lineage, Node, NodeKind
from msm.lineage.hashing import Hashed, hash_files
from msm.progress import track

OF_RECORDS = {
    Check.CODE: tree_findings,
    Check.IMAGE: image_findings,
    Check.CONTAMINATION: contamination_findings,
    Check.PROBE: probe_findings,
}


@dataclass(frozen=True)
class Reading:
    """Every file that was read, hashed; ``read`` are the bytes."""

    hashes: Mapping[Path, Hashed]
    files: Mapping[str, tuple[Path, ...]]
    checkpoints: tuple[tuple[Node, Path], ...]
    dvc: DvcView

    @property
    def read(self) -> int:
        """Bytes in all."""
        return sum(hashed.size for hashed in self.hashes.values())


def read_workspace(lineage: Lineage, root: Path) -> Reading:
    """Find and hash all files of a lineage that lie on a disk here."""
    nodes = tuple(lineage.nodes.values())
    files = {node.key: files_below(place) for node in nodes if (place := local_place(node))}
    checkpoints = tuple((node, path) for node in nodes for path in kept_checkpoints(node))
    dvc = read_dvc(lineage, root)
    of_dvc = {path for paths in dvc.files.values() for path in paths}
    wanted = {path for paths in files.values() for path in paths} | of_dvc
    wanted |= {file for _, path in checkpoints for file in path.iterdir() if file.is_file()}
    total = sum(path.stat().st_size for path in wanted)
    with track("audit", total, "bytes") as advance:
        hashes = hash_files(wanted, advance=advance, md5_of=of_dvc)
    return Reading(hashes, files, checkpoints, dvc)


def workspace_part(lineage: Lineage, root: Path, reading: Reading) -> Part:
    """All checks on records, files, kept checkpoints, commits and ``dvc.lock``."""
    parts = [
        _files_part(lineage, reading),
        _records_part(lineage, root),
        _checkpoints_part(reading),
    ]
    before = join_parts(parts).findings
    return join_parts([*parts, dvc_part(lineage, root, reading.dvc, reading.hashes, before)])


def _files_part(lineage: Lineage, reading: Reading) -> Part:
    findings: list[Finding] = []
    for node in lineage.nodes.values():
        place = local_place(node)
        if place is None:
            continue
        found = found_below(place, reading.files[node.key], reading.hashes)
        if node.kind is not NodeKind.OUTPUT:
            findings += outside_findings(lineage, node, found)
        elif node.record is not None:
            findings += output_findings(node, node.record, node.place, found)
    count = len({path for paths in reading.files.values() for path in paths})
    return Part({Check.FILES: count}, tuple(findings), tuple(unplaced(lineage)))


def _records_part(lineage: Lineage, root: Path) -> Part:
    outputs = [node for node in lineage.nodes.values() if node.record is not None]
    findings: list[Finding] = []
    for node in outputs:
        findings += record_findings(node, _text(node))
        for check in OF_RECORDS.values():
            findings += check(node)
    findings += input_findings(lineage)
    findings += compared_findings(lineage)
    lost = list(lost_findings(lineage, root))
    findings += [item for item in lost if isinstance(item, Finding)]
    commits, missing, unsaid = check_commits(outputs, (root, Path(msm.__file__).parent.parent))
    return Part(
        {
            Check.RECORD: len(outputs),
            Check.INPUTS: len(lineage.edges),
            **dict.fromkeys(OF_RECORDS, len(outputs)),
            Check.CODE: commits,
        },
        (*findings, *missing),
        (*unsaid, *(item for item in lost if isinstance(item, NotChecked))),
    )


def _text(node: Node) -> str | None:
    """The text of a record, if it lies beside the files; one that is no text differs by that."""
    place = local_place(node)
    file = place / RECORD if place else None
    if file is None or not file.is_file():
        return None
    return file.read_bytes().decode(errors="replace")


def _checkpoints_part(reading: Reading) -> Part:
    findings = [
        finding
        for node, path in reading.checkpoints
        for finding in checkpoint_findings(node, path, reading.hashes)
    ]
    return Part({Check.CHECKPOINTS: len(reading.checkpoints)}, tuple(findings))
