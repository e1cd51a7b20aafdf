"""Whether the signatures of a lineage's outputs hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msm.errors import UserError
from msm.identity import SIGNATURE
from msm.lineage.audit_files import local_place
from msm.lineage.findings import Check, Finding, NotChecked, Part, Severity
from msm.lineage.graph import Lineage, Node
from msm.signing.settings import Signing


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
    findings = [finding for node, place in outputs for finding in _faults(node, place, signing)]
    return Part({Check.SIGNATURE: len(outputs)}, tuple(findings))


def _faults(node: Node, place: Path, signing: Signing) -> Iterator[Finding]:
    """What is wrong with a signature, of the first changed file or else of the signature itself."""
    from msm.signing.signature import SignatureError, verify_path

    try:
        verify_path(place, signing)
    except UserError as error:
        changed = error.changed if isinstance(error, SignatureError) else ()
        file = str(place / (changed[0] if changed else SIGNATURE))
        yield Finding(Severity.FAULT, Check.SIGNATURE, node.key, file, str(error))
