"""``msm train`` in many processes: the first makes the output, the others lend it their work.

All are started alike, by ``torchrun`` or another launcher. The first one holds the output's lock,
writes and records; the others run the same body and write nothing.
"""

from __future__ import annotations

from pathlib import Path

from msm.progress import shown_on_terminal
from msm.record import Record
from msm.stages import definition
from msm.task import Task
from msm.training.world import World, find_world, joined
from msm.workspace import Workspace

_told: list[bool] = []


def run_on_all(workspace: Workspace, task: Task, replace: bool) -> tuple[Record, bool] | None:
    """Train in every process of this world; returns record and whether work was done, on the first.

    Raises:
        UserError: as ``run_stage`` does.
    """
    execution = workspace.recipe.execution
    world = find_world(execution.device)
    with joined(world):
        if world.is_main:
            with shown_on_terminal():
                return _lead(world, workspace, task, replace)
        _follow(world, workspace, task)
        return None


def announce(world: World, out: Path) -> None:
    """Called by the body on the first process: the others are to train too."""
    if world.size > 1 and world.is_main:
        from msm.training.agreement import from_main

        _told.append(True)
        from_main(world, str(out))


def _lead(world: World, workspace: Workspace, task: Task, replace: bool) -> tuple[Record, bool]:
    _told.clear()
    try:
        return workspace.run(task, replace)
    finally:
        if world.size > 1 and not _told:  # nothing to do, or refused before the body began
            from msm.training.agreement import from_main

            from_main(world, None)


def _follow(world: World, workspace: Workspace, task: Task) -> None:
    from msm.training.agreement import from_main

    out: str | None = from_main(world, None)
    if out is not None:
        body = definition(task.stage).load()
        body(task.config, workspace.inputs(task), Path(out), workspace.recipe.execution)
