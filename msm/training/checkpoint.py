"""A checkpoint of the trainer: all that a run needs to end where an uncut one ends.

A folder holds what is trained, AdamW's moments, and ``state.json``, which names the run, the step,
the states of the random generators, and size and SHA-256 of the other two. It is written aside and
renamed, so that it is there whole or not at all; what is broken later is refused by name.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from msm.disk_faults import no_room
from msm.errors import UserError
from msm.identity import digest_value
from msm.storage.manifest import FileEntry
from msm.training.checkpoint_folders import STATE, checkpoints_in, folder_name
from msm.training.checkpoint_state import FORMAT, OPTIMISER, WEIGHTS, examine
from msm.training.randomness import random_states
from msm.training.tensor_file import write_tensors
from msm.training.trained import Trained


@dataclass(frozen=True)
class Course:
    """What is trained on what: the identity of the run, and the digest of its plan of steps."""

    run: str
    plan: str


@dataclass(frozen=True)
class Checkpoint:
    """What was loaded: after how many steps, the state, and the random generators' states.

    ``step`` is also the position in the data: the next one to take of the plan. ``curve`` is what
    was noted of each step so far.
    """

    step: int
    trained: Trained
    randomness: Mapping[str, Any]
    curve: Sequence[Mapping[str, Any]]


def save_checkpoint(
    folder: Path,
    step: int,
    trained: Trained,
    course: Course,
    curve: Sequence[Mapping[str, Any]] = (),
) -> Path:
    """Write the checkpoint after ``step`` steps below ``folder``; returns where it lies.

    One that is already there, of the same course, is left as it is.

    Raises:
        UserError: the disk is full, or a file may grow no larger; older checkpoints stay.
    """
    path = folder / folder_name(step)
    aside = folder / f".{path.name}.partial"
    try:
        if _same_course(path, course):
            return path
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        contents = {
            WEIGHTS: trained.weights,
            OPTIMISER: {
                f"{kind}/{name}": tensor
                for name, moments in trained.moments.items()
                for kind, tensor in moments.items()
            },
        }
        with ThreadPoolExecutor(len(contents)) as pool:
            jobs = {
                name: pool.submit(write_tensors, aside / name, tensors)
                for name, tensors in contents.items()
            }
            files = {name: job.result() for name, job in jobs.items()}
        _write_state(aside / STATE, step, trained.updates, course, files, curve)
        shutil.rmtree(path, ignore_errors=True)  # of another course, or broken
        aside.rename(path)
        _settle(folder)
    except OSError as error:
        why = no_room(error, folder)
        if not why:
            raise
        shutil.rmtree(aside, ignore_errors=True)
        newest = max(checkpoints_in(folder), default=None)
        kept = "no older one is there" if newest is None else f"that of step {newest} is kept"
        raise UserError(
            f"the checkpoint of step {step} cannot be written: {why} and run again; {kept}"
        ) from None
    return path


def load_checkpoint(path: Path, course: Course) -> Checkpoint:
    """Read a checkpoint, and compare every byte with what was written.

    Raises:
        UserError: a file is missing or changed, and which older checkpoint is sound; or it is of
            another run, or of another plan of steps.
    """
    state, fault = examine(path)
    if state is None:
        raise UserError(f"{fault}; {_remedy(path)}")
    _check_course(path, state, course)
    moments: dict[str, dict[str, torch.Tensor]] = {}
    for key, tensor in load_file(path / OPTIMISER).items():
        kind, _, name = key.partition("/")
        moments.setdefault(name, {})[kind] = tensor
    trained = Trained(load_file(path / WEIGHTS), moments, state["updates"])
    return Checkpoint(state["step"], trained, state["randomness"], state["curve"])


def newest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint of the highest step, sound or not; None where there is none."""
    there = list(checkpoints_in(folder).values())
    return there[-1] if there else None


def _write_state(
    path: Path,
    step: int,
    updates: int,
    course: Course,
    files: Mapping[str, FileEntry],
    curve: Sequence[Mapping[str, Any]],
) -> None:
    state = {
        "format": FORMAT,
        "step": step,
        "updates": updates,
        **asdict(course),
        "randomness": random_states(),
        "curve": [dict(point) for point in curve],
        "files": {name: asdict(entry) for name, entry in files.items()},
    }
    with path.open("w", encoding="utf-8") as file:
        json.dump({**state, "digest": digest_value(state)}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    _settle(path.parent)


def _settle(folder: Path) -> None:
    """Wait until the disk has the names in a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remedy(path: Path) -> str:
    """What to do about a broken checkpoint: the newest sound one that is older."""
    there = checkpoints_in(path.parent)
    broken = next((step for step, other in there.items() if other == path), 0)
    for step in sorted((step for step in there if step < broken), reverse=True):
        if examine(there[step])[0] is not None:
            between = [str(there[other]) for other in there if step < other < broken]
            also = f" and {', '.join(between)}" if between else ""
            return f"remove {path}{also} to go on from step {step}"
    return f"remove {path.parent} to begin again: no older checkpoint is sound"


def _same_course(path: Path, course: Course) -> bool:
    state = examine(path)[0] if path.is_dir() else None
    return state is not None and Course(state["run"], state["plan"]) == course


def _check_course(path: Path, state: Mapping[str, Any], course: Course) -> None:
    if state["run"] != course.run:
        raise UserError(
            f"{path} belongs to the run {state['run'][:12]}, not to {course.run[:12]}; move "
            f"{path.parent} away to begin anew"
        )
    if state["plan"] != course.plan:
        raise UserError(
            f"{path} was made by another plan of steps ({state['plan'][:12]}, now "
            f"{course.plan[:12]}): rows, batches or their order have changed; move {path.parent} "
            "away to begin anew"
        )
