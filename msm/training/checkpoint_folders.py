"""How checkpoints lie side by side: ``step-00000042``, ordered by number and never as text."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from msm.errors import UserError

STATE = "state.json"  # written last: a folder without it is no checkpoint
NAME = re.compile(r"step-(\d+)")
ASIDE = re.compile(r"\.step-\d+\.(partial|removed)")


def folder_name(step: int) -> str:
    """The name of the checkpoint after so many steps."""
    return f"step-{step:08d}"


def step_of(name: str) -> int | None:
    """The step that a name tells, padded or not; None for any other name."""
    match = NAME.fullmatch(name)
    return int(match[1]) if match else None


def by_step(names: Iterable[str]) -> dict[int, str]:
    """The names that are checkpoints', by step, in ascending order.

    Raises:
        UserError: two names tell the same step.
    """
    found: dict[int, str] = {}
    for name in sorted(names):
        step = step_of(name)
        if step is not None and found.setdefault(step, name) != name:
            raise UserError(
                f"{found[step]} and {name} are both the checkpoint of step {step}; remove the "
                "wrong one"
            )
    return dict(sorted(found.items()))


def checkpoints_in(folder: Path) -> Mapping[int, Path]:
    """The checkpoints in a folder, whole or broken, by step; the newest comes last."""
    if not folder.is_dir():
        return {}
    names = by_step(path.parent.name for path in folder.glob(f"step-*/{STATE}"))
    return {step: folder / name for step, name in names.items()}


def too_old(steps: Collection[int], kept: int) -> list[int]:
    """All but the ``kept`` newest steps; ``kept`` is at least 1."""
    return sorted(steps)[: -max(1, kept)]


def remove_older(folder: Path, kept: int, spared: Collection[int] = ()) -> None:
    """Remove all but the newest checkpoints, and what killed processes left beside them.

    Args:
        folder: where the checkpoints lie.
        kept: how many stay.
        spared: steps that stay for now, since they are being copied.
    """
    there = checkpoints_in(folder)
    for step in too_old(there, kept):
        if step not in spared:
            removed = folder / f".{there[step].name}.removed"
            there[step].rename(removed)  # at once: half a checkpoint is never seen
            shutil.rmtree(removed)
    for path in folder.iterdir():
        if ASIDE.fullmatch(path.name):
            shutil.rmtree(path)
