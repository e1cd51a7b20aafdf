"""Where a run stands: kept on disk and in a store, and found again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msm.execution import Execution
from msm.identity import WORK
from msm.training.agreement import from_main
from msm.training.checkpoint import Course, load_checkpoint, newest_checkpoint, save_checkpoint
from msm.training.checkpoint_folders import checkpoints_in, remove_older
from msm.training.checkpoint_store import fetch_newer
from msm.training.copying import Copies
from msm.training.engine import Engine
from msm.training.randomness import restore_random_states
from msm.training.world import World

Point = Mapping[str, Any]  # a row of the curve: step, loss and what else is known of it
CHECKPOINTS = "checkpoints"


class Keeper:
    """Writes checkpoints on the first process, and has them copied. Every method is collective."""

    def __init__(self, out: Path, course: Course, execution: Execution, world: World) -> None:
        """``out`` is the folder that the stage makes; nothing is read or written yet."""
        self._folder = out / WORK / CHECKPOINTS
        self._course, self._world = course, world
        self._seconds = 60 * execution.checkpoint_minutes
        self._settings = execution.trainer
        store = self._settings.store
        wanted = bool(store) and world.is_main
        self._copies = Copies(store, course.run, self._settings.checkpoints) if wanted else None
        self._saved_at = time.monotonic()

    @property
    def newest(self) -> tuple[int, Path] | None:
        """Steps and folder of the newest checkpoint; on the first process."""
        there = list(checkpoints_in(self._folder).items())
        return there[-1] if there else None

    @property
    def due(self) -> bool:
        """Whether it is time for a checkpoint, by the first process's clock."""
        return self._world.is_main and time.monotonic() - self._saved_at >= self._seconds

    def restore(self, engine: Engine) -> tuple[int, list[Point]]:
        """Bring the engine to the newest checkpoint, here or in the store.

        Returns:
            Steps taken, and the curve so far; 0 and none where there is no checkpoint.

        Raises:
            UserError: the newest checkpoint is broken or of another run.
        """
        found = self._found() if self._world.is_main else None
        step = from_main(self._world, found.step if found else 0)
        if step:
            engine.load(found.trained if found else None)
            if found:
                restore_random_states(found.randomness)
            if self._copies is not None and self.newest is not None:
                self._copies.offer(self.newest[1])  # its copy may have been cut off
        return step, list(found.curve) if found else []

    def save(self, step: int, engine: Engine, curve: list[Point]) -> None:
        """Keep the state after ``step`` steps.

        Raises:
            UserError: the disk is full; the checkpoints before it stay.
        """
        state = engine.state()
        if self._world.is_main and state is not None:
            path = save_checkpoint(self._folder, step, state, self._course, curve)
            if self._copies is not None:
                self._copies.offer(path)
            held = self._copies.held if self._copies is not None else frozenset()
            remove_older(self._folder, self._settings.checkpoints, held)
        self._saved_at = time.monotonic()

    def close(self, seconds: float) -> str:
        """Wait so long for the copies that are under way; says in one line what is not copied."""
        return self._copies.close(seconds) if self._copies is not None else ""

    def _found(self) -> Any:
        if self._settings.store:
            fetch_newer(self._settings.store, self._course.run, self._folder)
        path = newest_checkpoint(self._folder)
        return load_checkpoint(path, self._course) if path else None
