"""The provenance record: what made an output, from which bytes, with what."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from msm import __version__
from msm.errors import UserError
from msm.identity import RECORD, digest_value

LIBRARIES = (
    "accelerate", "deepspeed", "inspect-ai", "kfp", "mlflow", "numpy", "peft", "safetensors",
    "scipy", "tokenizers", "torch", "transformers",
)  # fmt: skip
IMAGE_VARIABLE = "MSM_IMAGE"  # the image's digest, set by the pipeline that started the container
COMMIT_VARIABLE = "MSM_COMMIT"  # what an image was built from; images are built of commits alone


@dataclass(frozen=True)
class InputRecord:
    """One input: where it lay, its content digest, and the identity of what made it, if known."""

    path: str
    digest: str
    identity: str | None


@dataclass(frozen=True)
class FileRecord:
    """One output file: its size in bytes and the SHA-256 of its content."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Outcome:
    """What a stage says of its own work: rows in and out, rows dropped by reason, tokens, cost.

    ``summary`` holds a stage's own figures (JSON values), such as losses or rates; ``models`` is
    the ledger, what each role's model used (see ``msm.llm.ledger.Use``).
    """

    rows_in: int = 0
    rows_out: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    tokens: int = 0
    cost: float = 0.0
    summary: Mapping[str, Any] = field(default_factory=dict)
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """The content of ``record.json``; ``digest`` is the content digest of the output's files.

    ``origin`` is the task and recipe that asked for it (``msm.origin``), if that is known.
    """

    stage: str
    stage_version: int
    identity: str
    digest: str
    config: Mapping[str, Any]
    inputs: Mapping[str, InputRecord]
    files: Mapping[str, FileRecord]
    seed: int | None
    outcome: Outcome
    started: str
    seconds: float
    code: Mapping[str, Any]
    environment: Mapping[str, Any]
    origin: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """The record as indented JSON."""
        return json.dumps(asdict(self), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def compute_identity(
    stage: str, version: int, config: Mapping[str, Any], input_digests: Mapping[str, str]
) -> str:
    """Identity of an output: SHA-256 over stage, version, identity fields and input digests."""
    return digest_value(
        {"stage": stage, "version": version, "config": config, "inputs": input_digests}
    )


def read_record(folder: Path) -> Record | None:
    """The record of an output folder, or None where there is none.

    Raises:
        UserError: there is a record and it cannot be read.
    """
    try:
        text = (folder / RECORD).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        return None
    except (OSError, ValueError) as error:
        raise UserError(
            f"record {folder / RECORD} cannot be read ({error}); make it again"
        ) from None
    return parse_record(text, str(folder / RECORD))


def parse_record(text: str, where: str) -> Record:
    """A record from its text; ``where`` is named in the message.

    Raises:
        UserError: it is malformed, or of another version.
    """
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise UserError(f"record {where} cannot be read ({error}); make it again") from None
    try:
        raw["inputs"] = {role: InputRecord(**item) for role, item in raw["inputs"].items()}
        raw["files"] = {name: FileRecord(**item) for name, item in raw["files"].items()}
        raw["outcome"] = Outcome(**raw["outcome"])
        return Record(**raw)
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"record {where} has another form ({error}); it was made by another version"
        ) from None


@lru_cache(maxsize=1)
def code_state() -> dict[str, Any]:
    """Git commit and cleanliness of the source tree, package version, and image digest if any."""
    root = Path(__file__).resolve().parent.parent
    built_from = os.environ.get(COMMIT_VARIABLE)
    commit = built_from or _git(root, "rev-parse", "HEAD")
    status = "" if built_from else _git(root, "status", "--porcelain", "--untracked-files=no")
    return {
        "package": f"msm {__version__}",
        "commit": commit,
        "dirty": None if commit is None else bool(status),
        "image": os.environ.get(IMAGE_VARIABLE),
    }


@lru_cache(maxsize=1)
def environment_state() -> dict[str, Any]:
    """Python, operating system, processor and library versions. Names no user, host or path."""
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "libraries": versions,
    }


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
