"""What a record says, checked against itself: pure functions from a record to findings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msm.identity import RECORD, digest_value
from msm.lineage.findings import Check, Finding, Severity
from msm.lineage.graph import Node
from msm.record import Record, compute_identity
from msm.task import Stage

PINNED = re.compile(r"(?:.+@)?sha256:[0-9a-f]{64}")


def own_faults(record: Record, text: str | None) -> tuple[str, ...]:
    """What is wrong with a record by itself, in words; ``text`` is the file's, if that is here.

    A changed byte shows in one of three ways: the file is no longer what msm writes; the identity
    no longer follows from stage, version, config and inputs; or the digest no longer follows from
    the files.
    """
    faults = []
    if text is not None and text != record.to_json():
        faults.append("is not written as msm writes it")
    inputs = {role: item.digest for role, item in record.inputs.items()}
    try:
        identity = compute_identity(record.stage, record.stage_version, record.config, inputs)
    except TypeError as error:
        identity = ""
        faults.append(f"has a value that no record holds ({error})")
    if identity and identity != record.identity:
        faults.append("its identity does not follow from its stage, version, config and inputs")
    stated = digest_value({name: entry.sha256 for name, entry in record.files.items()})
    if stated != record.digest:
        faults.append("its digest does not follow from the files that it lists")
    if record.seed != record.config.get("seed"):
        faults.append("its seed is not that of its config")
    if any(entry.size < 0 for entry in record.files.values()):
        faults.append("a file has a negative size")
    return tuple(faults)


def record_findings(node: Node, text: str | None) -> Iterator[Finding]:
    """``own_faults`` as findings."""
    if node.record is not None:
        for fault in own_faults(node.record, text):
            yield _fault(Check.RECORD, node, f"{node.place}/{RECORD}", fault)


def tree_findings(node: Node) -> Iterator[Finding]:
    """The code that made an output stands in a commit, which is known, and nowhere else."""
    code = node.record.code if node.record else {}
    where = f"{node.place}/{RECORD}"
    if not code.get("commit"):
        yield _fault(Check.CODE, node, where, "names no commit, so nothing says which code made it")
    elif code.get("dirty"):
        yield _fault(
            Check.CODE, node, where, "was made from a tree with changes that no commit holds"
        )


def image_findings(node: Node) -> Iterator[Finding]:
    """An output made in a container names its image by digest."""
    image = (node.record.code if node.record else {}).get("image")
    if image and not PINNED.fullmatch(str(image)):
        yield _fault(
            Check.IMAGE,
            node,
            f"{node.place}/{RECORD}",
            f"was made in the image '{image}', which is not pinned by its digest",
        )


def contamination_findings(node: Node) -> Iterator[Finding]:
    """The corpus was compared with the evaluation, and what quotes it was dropped."""
    record = node.record
    if record is None or record.stage != Stage.CURATE:
        return
    where = f"{node.place}/{RECORD}"
    done = record.outcome.summary.get("decontamination")
    if not isinstance(done, Mapping) or not _count(done, "eval_prompts"):
        yield _fault(
            Check.CONTAMINATION,
            node,
            where,
            "holds no comparison with the prompts of an evaluation",
        )
        return
    hits, dropped = _count(done, "documents_hit"), record.outcome.dropped
    if hits > sum(dropped.values()):
        yield _fault(
            Check.CONTAMINATION,
            node,
            where,
            f"{hits} documents quote the evaluation, but {sum(dropped.values())} were dropped",
        )


def probe_findings(node: Node) -> Iterator[Finding]:
    """A measured checkpoint was shown to change the start model's outputs."""
    record = node.record
    if record is None or record.stage != Stage.EVALUATE or "checkpoint" not in record.inputs:
        return
    proof = record.outcome.summary.get("probe")
    where = f"{node.place}/{RECORD}"
    if not isinstance(proof, Mapping):
        yield Finding(
            Severity.WARNING,
            Check.PROBE,
            node.key,
            where,
            "holds no probe: nothing shows that the checkpoint was what was measured",
        )
    elif not isinstance(proof.get("largest"), int | float) or proof["largest"] <= 0:
        yield _fault(
            Check.PROBE, node, where, "by its probe the checkpoint changed no output of the student"
        )


def _count(values: Mapping[str, Any], key: str) -> int:
    value = values.get(key)
    return value if isinstance(value, int) else 0


def _fault(check: Check, node: Node, file: str, message: str) -> Finding:
    return Finding(Severity.FAULT, check, node.key, file, message)
