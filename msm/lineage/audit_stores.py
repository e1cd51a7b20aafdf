"""The deep audit: copies of the lineage in the store, in DVC's cache, and of checkpoints in S3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from msm.errors import UserError
from msm.identity import RECORD
from msm.lineage.audit_checkpoints import copy_findings
from msm.lineage.audit_files import files_below, found_below, output_findings
from msm.lineage.audit_record import own_faults
from msm.lineage.dvc_tool import FOLDER, cache_folder, cached, read_list
from msm.lineage.dvc_view import DvcView
from msm.lineage.findings import Check, Finding, NotChecked, Part, Severity, join_parts
from msm.lineage.graph import Lineage, Node
from msm.lineage.hashing import Hashed, hash_files
from msm.record import Record, parse_record
from msm.storage.address import parse_address
from msm.storage.bucket import Bucket
from msm.storage.hashing import hash_objects
from msm.storage.manifest import MANIFEST, find_manifest
from msm.store import FolderStore, Store
from msm.task import Stage
from msm.training.checkpoint_folders import STATE
from msm.training.checkpoint_store import whole_copies


def store_part(lineage: Lineage, store: Store | None) -> Part:
    """Hash what the store has of each output; it is compared with the store's own record of it."""
    if store is None:
        return Part({}, (), (NotChecked(Check.STORE, "all", "there is no store (MSM_STORE)"),))
    parts = [_stored(node, store) for node in lineage.nodes.values() if node.record]
    return join_parts(parts)


def cache_part(view: DvcView, root: Path) -> Part:
    """Hash DVC's own copy of each output: every file has to have the MD5 that it is named by."""
    if not view.entries:
        return Part({}, (), (NotChecked(Check.DVC_CACHE, "all", "dvc.lock says of none"),))
    try:
        cache = cache_folder(root)
    except UserError as error:
        return Part({}, (), (NotChecked(Check.DVC_CACHE, "all", str(error)),))
    named: dict[Path, tuple[Node, str]] = {}
    unsaid: list[NotChecked] = []
    for stage, node in view.entries:
        place = Path(node.place).resolve()
        for item in stage.files:
            if not item.is_output or item.path != place:
                continue
            if not cached(cache, item.md5).exists():
                unsaid.append(NotChecked(Check.DVC_CACHE, node.label, "it has no copy there"))
                continue
            for md5 in (item.md5, *(read_list(cache, item.md5) or {}).values()):
                named[cached(cache, md5)] = (node, md5.removesuffix(FOLDER))
    hashes = hash_files(named, md5_of=named)
    findings = list(_cache_findings(hashes, named))
    return Part({Check.DVC_CACHE: len(named)}, tuple(findings), tuple(unsaid))


def copies_part(lineage: Lineage) -> Part:
    """Hash the copies of checkpoints that trainings left in S3."""
    parts = []
    for node in lineage.nodes.values():
        url = _copies_url(node)
        if url:
            try:
                parts.append(_copies(node, url))
            except UserError as error:
                unsaid = NotChecked(Check.CHECKPOINTS, node.label, str(error))
                parts.append(Part({}, (), (unsaid,)))
    return join_parts(parts)


def _stored(node: Node, store: Store) -> Part:
    record = node.record
    assert record is not None
    at = f"{record.stage}/{node.identity}"
    place = store.place(f"{at}/{RECORD}")
    try:
        text = store.read(at, RECORD)
    except UserError as error:
        return Part({}, (), (NotChecked(Check.STORE, node.label, str(error)),))
    if text is None:
        return Part({}, (), (NotChecked(Check.STORE, node.label, "the store does not have it"),))
    try:
        stored = parse_record(text, place)
    except UserError as error:
        return Part({Check.STORE: 1}, (_fault(node, place, str(error)),))
    findings = [_fault(node, place, fault) for fault in own_faults(stored, text)]
    if (stored.stage, stored.identity) != (record.stage, node.identity):
        findings.append(_fault(node, place, "is the record of something else"))
    elif stored.digest != record.digest:
        message = "has other content for the same identity: it was made twice, with other bytes"
        findings.append(Finding(Severity.WARNING, Check.STORE, node.key, place, message))
    files = store.place(f"{at}/{stored.digest}")
    if not findings:
        findings += output_findings(node, stored, files, _hashed(store, at, stored))
    return Part({Check.STORE: 1}, tuple(findings))


def _hashed(store: Store, at: str, record: Record) -> Mapping[str, Hashed]:
    """What lies in the store of an output, by name."""
    place = store.place(f"{at}/{record.digest}")
    if isinstance(store, FolderStore):
        paths = files_below(Path(place))
        return found_below(Path(place), paths, hash_files(paths))
    found = hash_objects(place) if record.files else {}
    return {
        name: Hashed(entry.size, entry.sha256) for name, entry in found.items() if name != MANIFEST
    }


def _cache_findings(
    hashes: Mapping[Path, Hashed], named: Mapping[Path, tuple[Node, str]]
) -> Iterator[Finding]:
    for path, (node, md5) in sorted(named.items()):
        found = hashes[path]
        if found.fault or found.md5 != md5:
            message = found.fault or "is not what it is named by: its MD5 differs"
            yield Finding(Severity.FAULT, Check.DVC_CACHE, node.key, str(path), message)


def _copies_url(node: Node) -> str:
    """Where a training's checkpoints were copied to, as its record says; "" if nowhere."""
    from msm.training.checkpoint_store import place

    if node.record is None or node.record.stage != Stage.TRAIN:
        return ""
    execution = node.record.environment.get("execution", {})
    store = str(execution.get("trainer", {}).get("store", ""))
    return place(store, node.identity) if store else ""


def _copies(node: Node, url: str) -> Part:
    findings: list[Finding] = []
    copies = whole_copies(url)
    for copy in copies.values():
        bucket = Bucket(parse_address(copy))
        listed = bucket.objects()
        state = bucket.read(listed[STATE]).decode(errors="replace") if STATE in listed else ""
        try:
            manifest = find_manifest(bucket, listed)
        except UserError as error:
            findings.append(Finding(Severity.FAULT, Check.CHECKPOINTS, node.key, copy, str(error)))
            continue
        findings += copy_findings(node, copy, hash_objects(copy), manifest, state)
    return Part({Check.CHECKPOINTS: len(copies)}, tuple(findings))


def _fault(node: Node, place: str, message: str) -> Finding:
    return Finding(Severity.FAULT, Check.STORE, node.key, place, message)
