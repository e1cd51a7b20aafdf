"""What Kubeflow Pipelines noted of its tasks, compared with the records of what they made."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msm.lineage.findings import Check, Finding, NotChecked, Part, Severity
from msm.lineage.graph import Lineage, Node

OUTPUT = "executor_output.json"  # what a task's executor leaves: parameters, and metadata


@dataclass(frozen=True)
class TaskNote:
    """What a task noted: its ``stage/name``, the identity of its output, and the digest."""

    file: Path
    label: str
    identity: str
    digest: str
    parameter: str


def pipeline_part(lineage: Lineage, given: Path | None) -> Part:
    """Compare every task's note below a folder (or in a file) with the lineage.

    ``digest`` stands twice in a note: as the parameter that the next tasks took, and in the
    metadata of the artifact.
    """
    if given is None:
        why = "no folder of executor outputs was given (--pipeline)"
        return Part({}, (), (NotChecked(Check.PIPELINE, "identities and digests", why),))
    files = [given] if given.is_file() else sorted(given.rglob(OUTPUT))
    notes: list[TaskNote] = []
    unread: list[NotChecked] = []
    for file in files:
        found = read_note(file)
        if found is None:
            unread.append(NotChecked(Check.PIPELINE, str(file), "it notes no output of msm's"))
        else:
            notes.append(found)
    labels = {node.label: node for node in lineage.nodes.values() if node.record is not None}
    findings = [
        finding
        for note in notes
        if note.label in labels
        for finding in note_findings(note, labels[note.label])
    ]
    noted = {note.label for note in notes}
    unsaid = [
        NotChecked(Check.PIPELINE, label, "no task noted it")
        for label in labels
        if label not in noted
    ]
    return Part({Check.PIPELINE: len(noted & set(labels))}, tuple(findings), (*unread, *unsaid))


def read_note(file: Path) -> TaskNote | None:
    """The note of a task that made an output; None for another."""
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
        (artifact,) = raw["artifacts"]["out"]["artifacts"]
        metadata = artifact["metadata"]
        return TaskNote(
            file=file,
            label=_text(metadata["display_name"]),
            identity=_text(metadata["identity"]),
            digest=_text(metadata["digest"]),
            parameter=_text(raw["parameterValues"]["digest"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def note_findings(note: TaskNote, node: Node) -> Iterator[Finding]:
    """Identity, digest and parameter are those of the output."""
    assert node.record is not None
    stated: Mapping[str, tuple[str, str]] = {
        "identity": (note.identity, node.identity),
        "digest": (note.digest, node.record.digest),
        "parameter digest": (note.parameter, node.record.digest),
    }
    for what, (noted, recorded) in stated.items():
        if noted != recorded:
            yield Finding(
                Severity.FAULT,
                Check.PIPELINE,
                node.key,
                str(note.file),
                f"notes the {what} {noted[:12]}, and the record says {recorded[:12]}",
            )


def _text(value: Any) -> str:
    """A value as KFP writes it: plain, or in a mapping by its type."""
    if isinstance(value, Mapping):
        return str(next(iter(value.values())))
    return str(value)
