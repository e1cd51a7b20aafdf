"""Whether the signatures of a lineage's outputs hold."""

from __future__ import annotations

import re
from pathlib import Path

from msm.identity import SIGNATURE
from msm.lineage.audit_files import local_place
from msm.lineage.findings import Check, Finding, NotChecked, Part, Severity
from msm.lineage.graph import Lineage
from msm.signing.settings import Signing

CHANGED = re.compile(r"changed: (.+?)(?:, |; |$)")  # as msm.signing.signature tells it


def signature_part(lineage: Lineage, signing: Signing) -> Part:
    """Verify every output's signature, where there is something to verify with.

    With a key each output has to be signed: who changes a file could take its signature away.
    """
    outputs = [
        (node, place)
        for node in lineage.nodes.values()
        if node.record is not None and (place := local_place(node)) is not None
    ]
    if not signing.verifies:
        signed = [node for node, place in outputs if (place / SIGNATURE).is_file()]
        why = "no key was given to verify with (--public-key)"
        what = f"{len(signed)} signed outputs" if signed else "no output is signed, and"
        return Part({}, (), (NotChecked(Check.SIGNATURE, what, why),))
    from msm.signing.signature import signature_fault

    findings = [
        Finding(Severity.FAULT, Check.SIGNATURE, node.key, str(_file(place, fault)), fault)
        for node, place in outputs
        if (fault := signature_fault(place, signing))
    ]
    return Part({Check.SIGNATURE: len(outputs)}, tuple(findings))


def _file(place: Path, fault: str) -> Path:
    """The file that a fault names as changed, else the signature itself."""
    changed = CHANGED.search(fault)
    return place / (changed[1] if changed else SIGNATURE)
