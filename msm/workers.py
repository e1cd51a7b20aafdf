"""The processes that `msm run` gives its tasks to.

A worker keeps its libraries loaded from one task to the next, and dies with its parent, so that
nothing works on behind a killed run.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

from msm.parent import end_with_parent
from msm.progress import Sink, Step, send_to
from msm.recipe import Recipe
from msm.task import Task
from msm.training import interruption
from msm.workspace import Workspace

STOPPING = (signal.SIGTERM, signal.SIGINT)

Result = tuple[str, bool, float]  # identity, whether work was done, seconds


@contextmanager
def worker_pool(jobs: int, on_step: Sink) -> Iterator[ProcessPoolExecutor]:
    """A pool whose workers report their progress, and which ends at once on an interrupt."""
    context = multiprocessing.get_context("spawn")
    queue: Queue[Step | None] = context.Queue()
    queue.cancel_join_thread()  # a worker killed while it reported holds the queue's lock for ever
    listener = threading.Thread(target=_listen, args=(queue, on_step), daemon=True)
    listener.start()
    pool = ProcessPoolExecutor(jobs, context, _start_worker, (queue, os.getpid()))
    try:
        yield pool
    except BaseException:
        _kill(pool)
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        queue.put(None)
        listener.join(timeout=5)


def submit(
    pool: ProcessPoolExecutor, recipe: Recipe, root: Path, task: Task, replace_outputs: bool
) -> Future[Result]:
    """Give a task to a worker, which is started if all are at work.

    Raises:
        BrokenProcessPool: a worker was killed.
    """
    # One that is just starting would die of a signal that it is to note. Blocked here, the signal
    # waits in the new process until that listens.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        return pool.submit(_work, _plain(recipe), root, task, replace_outputs)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def ask_to_stop(pool: ProcessPoolExecutor) -> None:
    """Pass on that somebody asked: a trainer saves and ends, the others take no notice."""
    for process in _processes(pool):
        process.terminate()


def _kill(pool: ProcessPoolExecutor) -> None:
    """End all workers, whatever they do.

    After one of them was killed the others are of no use: it may have held a lock that they wait
    for, and as they note SIGTERM only, the pool would wait for them in vain.
    """
    for process in _processes(pool):
        process.kill()


def _processes(pool: ProcessPoolExecutor) -> list[BaseProcess]:
    return list((getattr(pool, "_processes", None) or {}).values())


def _plain(recipe: Recipe) -> dict[str, Any]:
    """As it was written, for the records to say so; what was left out is filled in again."""
    return recipe.model_dump(by_alias=True, exclude_unset=True)


def _listen(queue: Queue[Step | None], on_step: Sink) -> None:
    while (step := queue.get()) is not None:
        on_step(step)


_queue: Queue[Step | None] | None = None


def _start_worker(queue: Queue[Step | None], parent: int) -> None:
    global _queue
    _queue = queue
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, interruption.note)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    end_with_parent(signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)


def _work(recipe: dict[str, Any], root: Path, task: Task, replace_outputs: bool) -> Result:
    """In a worker: run one task, with its name on every step of progress."""
    number = interruption.asked()
    if number is not None:
        raise interruption.interrupted(number, f"before {task.label}")
    send_to(lambda step: _queue.put(replace(step, label=task.label)) if _queue else None)
    workspace = Workspace(root, Recipe.model_validate(recipe))
    record, worked = workspace.run(task, replace_outputs)
    return record.identity, worked, record.seconds
