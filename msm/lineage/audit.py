"""The audit: is a thing still made of the bytes that its records say, and do all systems agree?"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from msm.errors import UserError
from msm.identity import RECORD
from msm.lineage.audit_pipeline import pipeline_part
from msm.lineage.audit_signatures import signature_part
from msm.lineage.audit_stores import cache_part, copies_part, store_part
from msm.lineage.audit_tracking import tracking_part
from msm.lineage.audit_workspace import read_workspace, workspace_part
from msm.lineage.find import Found, find, lineage_of, workspace_of
from msm.lineage.findings import Check, Finding, NotChecked, Part, Severity, Verdict, join_parts
from msm.lineage.index import absolute, open_index
from msm.lineage.reference import REGISTRY, OutputReference, parse_reference, resolve
from msm.lineage.registrations import registered_versions
from msm.lineage.trust import untrusted
from msm.signing.settings import Signing

BETWEEN = "register"  # what a reference into MLflow stands on, where it leads to no record


@dataclass(frozen=True)
class Asked:
    """How far to look. ``pipeline`` is a folder of KFP's executor outputs, or one of them."""

    deep: bool = False
    pipeline: Path | None = None
    signing: Signing = field(default_factory=Signing)


def audit(text: str, workspace: Path | None, asked: Asked) -> Verdict:
    """Audit whatever a reference leads to, and all that it was made of.

    Args:
        text: see ``msm.lineage.reference.FORMS``.
        workspace: whose outputs are looked at; left out, that of the output folder which the text
            names, else the current folder.
        asked: how far to look.

    Raises:
        UserError: the reference leads nowhere.
    """
    started = time.monotonic()
    found = _find(text, workspace)
    if isinstance(found, Finding):
        seconds = round(time.monotonic() - started, 3)
        return Verdict(text, found.node, (found.node,), (found,), (), {}, 0, seconds)
    lineage, index = found.lineage, found.index
    reading = read_workspace(lineage, index.root)
    parts = [
        workspace_part(lineage, index.root, reading),
        tracking_part(lineage, index, asked.deep),
        signature_part(lineage, asked.signing),
        pipeline_part(lineage, asked.pipeline),
        _target_part(found),
    ]
    if asked.deep:
        parts.append(store_part(lineage, index.store))
        parts.append(cache_part(reading.dvc, index.root))
        parts.append(copies_part(lineage))
    else:
        parts.append(_shallow())
    whole = join_parts(parts)
    labels = untrusted(lineage, whole.findings)
    return Verdict(
        reference=text,
        first=labels[0] if labels else "",
        untrusted=labels,
        findings=whole.findings,
        not_checked=whole.not_checked,
        checked=whole.checked,
        read=reading.read,
        seconds=round(time.monotonic() - started, 3),
    )


def _find(text: str, workspace: Path | None) -> Found | Finding:
    """Follow a reference; a fault of what it should lead to is a finding, and no user's fault."""
    if text == REGISTRY:
        raise UserError("the registry is audited by itself: msm audit registry")
    reference = parse_reference(text)
    folder = Path(text)
    root = workspace or workspace_of(folder)
    index = open_index(root, "", folder)
    if isinstance(reference, OutputReference):
        lost = [item for item in index.unreadable if Path(item.place) == absolute(folder) / RECORD]
        if lost:
            label = f"{absolute(folder).parent.name}/{absolute(folder).name}"
            return Finding(Severity.FAULT, Check.RECORD, label, lost[0].place, lost[0].why)
        return find(text, workspace)
    target = resolve(reference, index)
    try:
        return Found(target, index, lineage_of(target, index))
    except UserError as error:
        if target.name not in registered_versions(index):
            raise
        where = f"{target.name} tag msm.identity"
        return Finding(Severity.FAULT, Check.MLFLOW, BETWEEN, where, f"leads to no record: {error}")


def _target_part(found: Found) -> Part:
    """What MLflow says of the content of a version or run, against the record that it leads to."""
    target, record = found.target, found.lineage.nodes[found.lineage.root].record
    if record is None or not target.tags or not target.digest or target.digest == record.digest:
        return Part({})
    message = f"is {target.digest[:12]}, and the record says {record.digest[:12]}"
    where = f"{target.name} tag msm.digest"
    return Part({}, (Finding(Severity.FAULT, Check.MLFLOW, BETWEEN, where, message),))


def _shallow() -> Part:
    why = "it is read with --deep alone"
    left = (Check.STORE, Check.DVC_CACHE)
    return Part({}, (), tuple(NotChecked(check, "all", why) for check in left))
