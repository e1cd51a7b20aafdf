"""Whether a checkpoint is as it was written: read from ``state.json``, and without torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from msm.identity import digest_file, digest_value
from msm.storage.manifest import FileEntry
from msm.training.checkpoint_folders import STATE

WEIGHTS = "weights.safetensors"
OPTIMISER = "optimiser.safetensors"
FORMAT = 1


def read_state(text: str) -> dict[str, Any] | None:
    """What ``state.json`` says; None if it is not what was written."""
    try:
        state: dict[str, Any] = json.loads(text)
        digest = state.pop("digest")
        sound = digest == digest_value(state) and state["format"] == FORMAT
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return state if sound else None


def checkpoint_faults(
    path: Path, digest: Callable[[Path], str] = digest_file
) -> Iterator[tuple[Path, str]]:
    """Each file of a checkpoint that is not as it was written, and what is wrong with it.

    Args:
        path: the checkpoint's folder.
        digest: the SHA-256 of a file that is there.
    """
    state = _state(path)
    if state is None:
        yield path / STATE, "is not as it was written"
        return
    of = f"of the checkpoint of step {state['step']}"
    for name in (WEIGHTS, OPTIMISER):
        file, entry = path / name, FileEntry(**state["files"][name])
        if not file.is_file():
            yield file, f"{of}, is missing"
        elif (file.stat().st_size, digest(file)) != (entry.size, entry.sha256):
            yield file, f"{of}, is not as it was written (its SHA-256 differs)"


def examine(path: Path) -> tuple[dict[str, Any] | None, str]:
    """The state of a checkpoint that is as it was written, or what is wrong with it."""
    for file, fault in checkpoint_faults(path):
        return None, f"{file}{' ' if file.name == STATE else ', '}{fault}"
    return _state(path), ""


def _state(path: Path) -> dict[str, Any] | None:
    try:
        return read_state((path / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
