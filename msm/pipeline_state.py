"""What has become of each task of a pipeline, kept in the store for its ledger.

The tasks of a pipeline share no disk. Each says in the store what it is at, below the digest of
the recipe that was handed over: ``pipelines/<digest>/<stage>/<name>.json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum

from msm.errors import UserError
from msm.identity import RECORD
from msm.record import Record, parse_record
from msm.store import Store, patiently
from msm.task import Task


class TaskState(StrEnum):
    """How far a task is; ``waiting`` has not begun."""

    WAITING = "waiting"
    RUNNING = "running"
    FAILED = "failed"
    DONE = "done"


@dataclass(frozen=True)
class TaskReport:
    """A task's state, its identity if it is done, and why it failed if it did."""

    state: TaskState
    identity: str = ""
    reason: str = ""


@contextmanager
def reported(store: Store | None, bundle_digest: str, task: Task) -> Iterator[list[Record]]:
    """Say in the store that a task runs, and then how it ended; a store is not needed.

    Yields:
        A list, to which the task's record is to be added.
    """
    made: list[Record] = []
    _say(store, bundle_digest, task, TaskReport(TaskState.RUNNING))
    try:
        yield made
    except BaseException as error:
        reason = str(error) if isinstance(error, UserError) else type(error).__name__
        _say(store, bundle_digest, task, TaskReport(TaskState.FAILED, reason=reason))
        raise
    _say(store, bundle_digest, task, TaskReport(TaskState.DONE, made[0].identity))


def task_reports(store: Store, bundle_digest: str, tasks: Sequence[Task]) -> list[TaskReport]:
    """What the tasks of a pipeline last said.

    Raises:
        UserError: the store cannot be read.
    """
    return [_read(store, bundle_digest, task) for task in tasks]


def stored_record(store: Store, task: Task, identity: str) -> Record | None:
    """The record of an output that lies in the store."""
    at = f"{task.stage}/{identity}"
    text = patiently(lambda: store.read(at, RECORD))
    return parse_record(text, store.place(f"{at}/{RECORD}")) if text else None


def _say(store: Store | None, bundle_digest: str, task: Task, report: TaskReport) -> None:
    if store is not None:
        text = json.dumps(asdict(report), ensure_ascii=False) + "\n"
        at = _at(bundle_digest, task)
        patiently(lambda: store.write(at, f"{task.name}.json", text))


def _read(store: Store, bundle_digest: str, task: Task) -> TaskReport:
    text = patiently(lambda: store.read(_at(bundle_digest, task), f"{task.name}.json"))
    if text is None:
        return TaskReport(TaskState.WAITING)
    try:
        raw = json.loads(text)
        return TaskReport(TaskState(raw["state"]), raw["identity"], raw["reason"])
    except (ValueError, KeyError, TypeError):
        return TaskReport(TaskState.WAITING)


def _at(bundle_digest: str, task: Task) -> str:
    return f"pipelines/{bundle_digest}/{task.stage}"
