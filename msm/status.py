"""What of an experiment is done, running, outdated or missing."""

from __future__ import annotations

import fcntl
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from msm.errors import UserError
from msm.experiment import build_tasks
from msm.recipe import Recipe
from msm.record import Record, read_record
from msm.stage import stage_identity
from msm.stages import definition
from msm.task import Task
from msm.workspace import Workspace


class State(StrEnum):
    """The state of one output."""

    DONE = "done"
    RUNNING = "running"
    PARTIAL = "cut off"
    OUTDATED = "outdated"
    MISSING = "missing"


@dataclass(frozen=True)
class TaskStatus:
    """A task, the state of its output, and the output's record if there is one."""

    task: Task
    state: State
    record: Record | None


def experiment_status(recipe: Recipe, root: Path) -> list[TaskStatus]:
    """The state of every task. An output whose inputs, code or config changed is outdated."""
    workspace = Workspace(root, recipe)
    states: dict[str, State] = {}
    rows: list[TaskStatus] = []
    for task in build_tasks(recipe):
        out = workspace.output(task.stage, task.name)
        record = read_record(out) if out.is_dir() else None
        fresh = all(states[f"{need.stage}/{need.name}"] is State.DONE for need in task.needs)
        state = _state(workspace, task, out, record, fresh)
        states[task.label] = state
        rows.append(TaskStatus(task, state, record))
    return rows


def _state(
    workspace: Workspace, task: Task, out: Path, record: Record | None, fresh: bool
) -> State:
    if _locked(out):
        return State.RUNNING
    if record is None:
        cut = any(out.parent.glob(f".{out.name}.partial-*"))
        return State.PARTIAL if cut else State.MISSING
    if not fresh:
        return State.OUTDATED
    try:
        identity, _ = stage_identity(definition(task.stage), task.config, workspace.inputs(task))
    except UserError:
        return State.OUTDATED
    return State.DONE if identity == record.identity else State.OUTDATED


def _locked(out: Path) -> bool:
    lock = out.parent / f".{out.name}.lock"
    if not lock.exists():
        return False
    with lock.open(encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
