"""Checkpoints in S3: copied whole or not taken for whole, removed by the same policy as here."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from msm.errors import UserError
from msm.parent import end_with_parent
from msm.storage.fetch import fetch_folder
from msm.storage.folders import folders_below, remove_folder
from msm.storage.push import OtherContentError, push_folder
from msm.training.checkpoint_folders import by_step, checkpoints_in, folder_name, step_of, too_old

NICENESS = 10
FAULT = 2


def place(store: str, run: str) -> str:
    """Where the checkpoints of a run lie in a store, ``s3://bucket/prefix``."""
    return f"{store.removesuffix('/')}/train/{run}/checkpoints"


def copy_checkpoint(checkpoint: Path, url: str, kept: int) -> None:
    """Copy a checkpoint below ``url``; when it is whole there, remove what is too old there.

    A copy that was cut off goes on from what the server has. One of the same step and other
    content, which a run left that went another way from an older step, is replaced.

    Args:
        checkpoint: the folder, named as ``folder_name`` says.
        url: of ``place``.
        kept: how many of the newest whole copies stay.

    Raises:
        UserError: S3 refuses or fails.
    """
    target = f"{url}/{folder_name(step_of(checkpoint.name) or 0)}"
    try:
        push_folder(checkpoint, target)
    except OtherContentError:
        remove_folder(target)
        push_folder(checkpoint, target)
    _remove_older(url, kept)


def whole_copies(url: str) -> Mapping[int, str]:
    """The URLs of the copies below ``url`` that are whole, by step, in ascending order."""
    whole = [name for name, is_whole in folders_below(url).items() if is_whole]
    return {step: f"{url}/{name}" for step, name in by_step(whole).items()}


def newest_whole(store: str, run: str) -> tuple[int, str] | None:
    """Step and URL of the newest whole copy of a run's checkpoints in a store, if there is one."""
    copies = whole_copies(place(store, run))
    return max(copies.items()) if copies else None


def fetch_newer(store: str, run: str, folder: Path) -> Path | None:
    """Bring the newest whole copy below ``folder`` if no checkpoint there is as new.

    Returns:
        Where it now lies; None where nothing was fetched.

    Raises:
        UserError: S3 refuses or fails, or its bytes are not those that were pushed; then it says
            from which older copy the run can go on.
    """
    copies = whole_copies(place(store, run))
    newest = max(copies, default=None)
    if newest is None or newest <= max(checkpoints_in(folder), default=-1):
        return None
    try:
        return fetch_folder(copies[newest], folder / folder_name(newest))
    except UserError as error:
        older = [step for step in copies if step < newest]
        instead = f" to go on from step {max(older)}" if older else " to begin again"
        raise UserError(
            f"the copy of the checkpoint of step {newest} cannot be had: {error}; or remove "
            f"{copies[newest]}{instead}"
        ) from None


def _remove_older(url: str, kept: int) -> None:
    """Remove whole copies that are too old, and what is older than the newest and not whole."""
    folders = folders_below(url)
    names = by_step(folders)
    whole = [step for step, name in names.items() if folders[name]]
    newest = max(whole, default=-1)
    cut_off = [step for step, name in names.items() if not folders[name] and step < newest]
    for step in (*too_old(whole, kept), *cut_off):
        remove_folder(f"{url}/{names[step]}")


def main() -> int:
    """Copy one checkpoint, as a process of its own: ``CHECKPOINT URL KEPT PARENT``."""
    checkpoint, url, kept, parent = sys.argv[1:]
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)  # the trainer says when to end
    end_with_parent(signal.SIGKILL)
    if os.getppid() != int(parent):  # it died before the line above
        return FAULT
    os.nice(NICENESS)
    try:
        copy_checkpoint(Path(checkpoint), url, int(kept))
    except UserError as error:
        print(error, file=sys.stderr)
        return FAULT
    return 0


if __name__ == "__main__":
    sys.exit(main())
