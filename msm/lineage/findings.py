"""What an audit finds, what it could not look at, and what it comes to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum


class Severity(StrEnum):
    """A fault makes the verdict red; a warning is for a person to judge."""

    FAULT = "fault"
    WARNING = "warning"


class Check(StrEnum):
    """What is checked. docs/lineage.md says what each of them shows."""

    FILES = "files"
    RECORD = "record"
    INPUTS = "inputs"
    CODE = "code"
    IMAGE = "image"
    CONTAMINATION = "contamination"
    PROBE = "adapter applied"
    CHECKPOINTS = "kept checkpoints"
    SIGNATURE = "signature"
    DVC = "dvc.lock"
    DVC_CACHE = "dvc cache"
    STORE = "store"
    MLFLOW = "mlflow"
    MLFLOW_FILES = "mlflow artifacts"
    PIPELINE = "pipeline"
    GATES = "gates"
    CHAIN = "audit log"
    REGISTRY = "registry"


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be.

    ``node`` is the key of the lineage's node that is no longer to be trusted, or a word for what
    stands in no lineage. ``file`` is the file, or the object or tag, that differs.
    """

    severity: Severity
    check: Check
    node: str
    file: str
    message: str


@dataclass(frozen=True)
class NotChecked:
    """What could not be looked at, and why. It counts neither as passed nor as failed."""

    check: Check
    what: str
    why: str


@dataclass(frozen=True)
class Part:
    """What some checks came to: how many things each looked at, and what they found."""

    checked: Mapping[Check, int]
    findings: tuple[Finding, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What an audit comes to.

    ``first`` names the stage before which all is still to be trusted, "" where nothing was found;
    ``untrusted`` are the labels of all outputs that can no longer be trusted, in the order in which
    they were made. ``read`` are the bytes that were hashed.
    """

    reference: str
    first: str
    untrusted: tuple[str, ...]
    findings: tuple[Finding, ...]
    not_checked: tuple[NotChecked, ...]
    checked: Mapping[Check, int]
    read: int
    seconds: float

    @property
    def is_sound(self) -> bool:
        """Whether no fault was found."""
        return all(finding.severity is not Severity.FAULT for finding in self.findings)

    def to_json(self) -> str:
        """As indented JSON."""
        content = {"sound": self.is_sound, **asdict(self)}
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def join_parts(parts: list[Part]) -> Part:
    """All of them as one."""
    checked: dict[Check, int] = {}
    for part in parts:
        for check, count in part.checked.items():
            checked[check] = checked.get(check, 0) + count
    return Part(
        checked,
        tuple(finding for part in parts for finding in part.findings),
        tuple(item for part in parts for item in part.not_checked),
    )
