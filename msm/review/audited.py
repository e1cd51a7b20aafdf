"""What gates ask of other parts: records by identity, and the verdict of ``msm audit``."""

from __future__ import annotations

from pathlib import Path

from msm.errors import UserError
from msm.lineage.audit import Asked, audit
from msm.lineage.findings import Severity
from msm.lineage.index import absolute, open_index
from msm.record import Record
from msm.registry.reviews import Reviewed
from msm.review.judge import Means
from msm.signing.settings import Signing


def means_at(root: Path, store: str, signing: Signing) -> Means:
    """Look records up in a workspace and its store, and audit what lies there.

    Signatures of all outputs are asked for where the recipe requires them.
    """
    index = open_index(root, store)
    asked = Asked(signing=signing if signing.required else Signing())

    def look(identity: str, stage: str) -> Record | None:
        found = index.by_identity(identity, stage)
        return found[0].record if found else None

    def fault(version: Reviewed) -> str:
        try:
            verdict = audit(version.reference, root, asked)
        except UserError as error:
            return str(error)
        faults = [item for item in verdict.findings if item.severity is Severity.FAULT]
        if not faults:
            return ""
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        told = f"{faults[0].file}: {faults[0].message}{more}; from {verdict.first} on"
        return told.replace(f"{absolute(root)}/", "")  # the verdict is read elsewhere too

    return Means(look, fault)
