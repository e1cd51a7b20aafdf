"""Checkpoints that the trainer kept: weights, optimiser state, and the state that names both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msm.identity import WORK
from msm.lineage.audit_files import local_place
from msm.lineage.findings import Check, Finding, Severity
from msm.lineage.graph import Node
from msm.lineage.hashing import Hashed
from msm.storage.manifest import FileEntry, Manifest
from msm.task import Stage
from msm.training.checkpoint_folders import STATE, checkpoints_in
from msm.training.checkpoint_state import checkpoint_faults, read_state

CHECKPOINTS = "checkpoints"  # as msm.training.keeping writes it; that module would bring torch


def kept_checkpoints(node: Node) -> tuple[Path, ...]:
    """The checkpoints of a training that lie in its output, or beside it in unfinished work."""
    place = local_place(node)
    if place is None or node.record is None or node.record.stage != Stage.TRAIN:
        return ()
    partial = place.parent / f".{place.name}.partial-{node.identity[:12]}"
    folders = (folder / WORK / CHECKPOINTS for folder in (place, partial))
    return tuple(path for folder in folders for path in checkpoints_in(folder).values())


def checkpoint_findings(
    node: Node, checkpoint: Path, hashes: Mapping[Path, Hashed]
) -> Iterator[Finding]:
    """Compare a kept checkpoint with its ``state.json``, and that with its own digest."""
    for file, fault in checkpoint_faults(checkpoint, lambda path: hashes[path].sha256):
        yield _fault(node, str(file), fault)


def copy_findings(
    node: Node, url: str, found: Mapping[str, FileEntry], manifest: Manifest | None, state: str
) -> Iterator[Finding]:
    """The same of a copy in S3, whose manifest says what was pushed.

    Args:
        node: the training's output.
        url: where the copy lies.
        found: its objects, as they were read.
        manifest: what was pushed; None where there is none.
        state: the text of ``state.json``, "" where there is none.
    """
    if manifest is None:
        yield _fault(node, url, "has no manifest: the copy was never finished, or it was removed")
        return
    for name, entry in sorted(manifest.files.items()):
        if name not in found:
            yield _fault(node, f"{url}/{name}", "is missing, and the manifest names it")
        elif found[name] != entry:
            yield _fault(node, f"{url}/{name}", "is not what was pushed: its SHA-256 differs")
    said: dict[str, Any] | None = read_state(state)
    if said is None:
        yield _fault(node, f"{url}/{STATE}", "is not as it was written")
        return
    for name, entry in said["files"].items():
        if found.get(name) != FileEntry(**entry):
            yield _fault(node, f"{url}/{name}", "is not what the state names")


def _fault(node: Node, file: str, message: str) -> Finding:
    return Finding(Severity.FAULT, Check.CHECKPOINTS, node.key, file, message)
