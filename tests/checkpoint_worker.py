"""A tiny trainer, to be killed and stopped: ``python -m tests.checkpoint_worker``.

Its state depends on all random generators, so that a run that goes on from a checkpoint ends with
the same bytes only if everything came back. With a store, it copies every checkpoint there.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from msm.cli import _guarded
from msm.training import interruption
from msm.training.checkpoint import Course, load_checkpoint, newest_checkpoint, save_checkpoint
from msm.training.checkpoint_folders import remove_older
from msm.training.checkpoint_store import fetch_newer
from msm.training.copying import Copies
from msm.training.randomness import restore_random_states
from msm.training.tensor_file import write_tensors
from msm.training.trained import Trained

COURSE = Course("1" * 64, "2" * 64)
KEPT = 2
SHAPE = (256, 1024)  # a checkpoint of 3 MB
GRACE_SECONDS = 20.0
RESULT = "result.safetensors"


def some_state(seed: int = 0, shape: tuple[int, ...] = SHAPE) -> Trained:
    """Random weights and moments."""
    chance = torch.Generator().manual_seed(seed)
    weight, first, second = (torch.rand(shape, generator=chance) for _ in range(3))
    return Trained({"a.weight": weight}, {"a.weight": {"exp_avg": first, "exp_avg_sq": second}}, 0)


def step_once(state: Trained) -> Trained:
    """Draw from every generator, and move what is trained."""
    drawn = torch.rand(SHAPE) + random.random() + float(np.random.random())
    weight, moments = state.weights["a.weight"], state.moments["a.weight"]
    first = 0.9 * moments["exp_avg"] + 0.1 * drawn
    second = 0.99 * moments["exp_avg_sq"] + 0.01 * drawn**2
    new = {"exp_avg": first, "exp_avg_sq": second}
    return Trained({"a.weight": weight - 0.01 * first}, {"a.weight": new}, state.updates + 1)


def train(folder: Path, steps: int, store: str = "", pause: float = 0.0) -> None:
    """Go on from the newest checkpoint, here or in the store, to the end."""
    torch.set_num_threads(1)
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    folder.mkdir(parents=True, exist_ok=True)
    state, done = some_state(), 0
    if store:
        fetch_newer(store, COURSE.run, folder)
    newest = newest_checkpoint(folder)
    if newest is not None:
        checkpoint = load_checkpoint(newest, COURSE)
        state, done = checkpoint.trained, checkpoint.step
        restore_random_states(checkpoint.randomness)
    copies = Copies(store, COURSE.run, KEPT) if store else None
    with interruption.listening():
        while done < steps:
            state, done = step_once(state), done + 1
            time.sleep(pause)
            path = save_checkpoint(folder, done, state, COURSE)
            if copies is not None:
                copies.offer(path)
            remove_older(folder, KEPT, copies.held if copies is not None else ())
            number = interruption.asked_of_any("cpu")
            if number is not None:
                if copies is not None:
                    copies.close(interruption.seconds_left(GRACE_SECONDS))
                raise interruption.interrupted(number, f"after step {done}")
    if copies is not None:
        copies.close(GRACE_SECONDS)
    write_tensors(folder / RESULT, state.weights)


def train_apart(environment: Mapping[str, str], folder: Path, steps: int, store: str) -> None:
    """The body of a process that is forked from one with all imports."""
    os.environ.update(environment)
    train(folder, steps, store)


def main() -> None:
    """As the command line runs a stage: ``FOLDER STEPS SECONDS [STORE]``."""
    folder, steps, seconds, *store = sys.argv[1:]
    sys.exit(_guarded(lambda: train(Path(folder), int(steps), "".join(store), float(seconds))))


if __name__ == "__main__":
    main()
