"""Running a whole experiment: every task once, as soon as what it needs is there.

Tasks run in worker processes, ``execution.jobs`` at once. A worker keeps its libraries loaded from
one task to the next, and dies with this process, so that nothing works on behind a killed run.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

from msm.configs import DemonstrateConfig
from msm.demonstrations.criteria import check_judge
from msm.errors import Interrupted, UserError
from msm.evaluation_tasks import base_spec
from msm.experiment import build_tasks
from msm.parent import end_with_parent
from msm.progress import Sink, Step, send_to
from msm.recipe import Recipe
from msm.task import GivenInput, PromptsInput, Stage, StudentInput, Task
from msm.training import interruption
from msm.workspace import Workspace

WAKE_SECONDS = 0.5  # at most until it is seen that somebody asked to stop


@dataclass(frozen=True)
class Finished:
    """A task that has ended: its identity, whether work was done, and the seconds it took."""

    task: Task
    identity: str
    worked: bool
    seconds: float


def run_experiment(
    recipe: Recipe,
    root: Path,
    replace_outputs: bool,
    on_finished: Callable[[Finished], None],
    on_step: Sink,
) -> list[Finished]:
    """Run all tasks of a recipe in a workspace; returns them in the order in which they ended.

    Asked to stop, it passes that on to the trainers at work, and waits until they have saved.

    Raises:
        UserError: a task failed for a reason that the user can put right; the others in progress
            are brought to their end first.
        Interrupted: it was asked to stop.
    """
    tasks = build_tasks(recipe)
    check_inputs(recipe, root, tasks)
    finished: list[Finished] = []
    waiting = list(tasks)
    done: set[str] = set()
    running: dict[Future[tuple[str, bool, float]], Task] = {}
    error: Exception | None = None
    stopping = False
    with _workers(recipe.execution.jobs, on_step) as pool, interruption.listening():
        while (waiting and error is None) or running:
            number = interruption.asked()
            if number is not None and not _training(running.values()):
                made = f"after {len(finished)} of {len(tasks)} outputs"
                raise interruption.interrupted(number, made)
            if number is not None and not stopping:
                stopping = True
                for process in _processes(pool):
                    process.terminate()  # a trainer saves and ends; the others take no notice
            begin = error is None and not stopping
            for task in [t for t in waiting if _ready(t, done)] if begin else []:
                waiting.remove(task)
                job = pool.submit(_work, _plain(recipe), root, task, replace_outputs)
                running[job] = task
            ended, _ = wait(running, WAKE_SECONDS, return_when=FIRST_COMPLETED)
            for job in ended:
                task = running.pop(job)
                try:
                    finished.append(Finished(task, *job.result()))
                    done.add(task.label)
                    on_finished(finished[-1])
                except BrokenProcessPool:
                    error = error or UserError(
                        f"{task.label}: its process was killed, most often for want of memory; "
                        "lower execution.jobs and run again: finished work is kept"
                    )
                except Exception as failure:
                    error = error or failure
                except Interrupted:  # it has saved
                    pass
    if error is not None:
        raise error
    return finished


def check_inputs(recipe: Recipe, root: Path, tasks: Sequence[Task]) -> None:
    """Fail before work begins: specs, suite, student, MLflow and the right to write.

    Raises:
        UserError: names the first thing that is wrong.
    """
    from msm.registry.server import check_reachable, tracking_uri

    check_texts(recipe, tasks)
    try:
        (root / "outputs").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot write to {root}: {error.strerror}; choose another --workspace"
        ) from None
    if not os.access(root / "outputs", os.W_OK):
        raise UserError(f"no permission to write {root / 'outputs'}; choose another --workspace")
    check_reachable(tracking_uri())
    workspace = Workspace(root, recipe)
    for source in {source for task in tasks for source in task.inputs.values()}:
        if isinstance(source, StudentInput | PromptsInput | GivenInput):
            workspace.locate(source)


def check_texts(recipe: Recipe, tasks: Sequence[Task]) -> None:
    """Read the specs and the suite that a recipe names.

    Raises:
        UserError: names the first thing that is wrong.
    """
    from msm.any_spec import read_any_spec
    from msm.evals.items import read_suite

    for name in recipe.specs:
        read_any_spec(Path(base_spec(recipe, name).path))
    for task in tasks:
        if isinstance(task.config, DemonstrateConfig):
            check_judge(task.config)
    if recipe.evaluation.suite:
        read_suite(Path(recipe.evaluation.suite))


def _plain(recipe: Recipe) -> dict[str, Any]:
    """As it was written, for the records to say so; what was left out is filled in again."""
    return recipe.model_dump(by_alias=True, exclude_unset=True)


def _ready(task: Task, done: set[str]) -> bool:
    return all(f"{need.stage}/{need.name}" in done for need in task.needs)


def _work(
    recipe: dict[str, Any], root: Path, task: Task, replace_outputs: bool
) -> tuple[str, bool, float]:
    """In a worker: run one task, with its name on every step of progress."""
    number = interruption.asked()
    if number is not None:
        raise interruption.interrupted(number, f"before {task.label}")
    send_to(lambda step: _queue.put(replace(step, label=task.label)) if _queue else None)
    workspace = Workspace(root, Recipe.model_validate(recipe))
    record, worked = workspace.run(task, replace_outputs)
    return record.identity, worked, record.seconds


_queue: Queue[Step | None] | None = None


def _start_worker(queue: Queue[Step | None], parent: int) -> None:
    global _queue
    _queue = queue
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, interruption.note)
    end_with_parent(signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)


def _training(tasks: Iterable[Task]) -> bool:
    return any(task.stage is Stage.TRAIN for task in tasks)


def _processes(pool: ProcessPoolExecutor) -> list[BaseProcess]:
    return list((getattr(pool, "_processes", None) or {}).values())


@contextmanager
def _workers(jobs: int, on_step: Sink) -> Iterator[ProcessPoolExecutor]:
    """A pool whose workers report their progress, and which ends at once on an interrupt."""
    context = multiprocessing.get_context("spawn")
    queue: Queue[Step | None] = context.Queue()
    listener = threading.Thread(target=_listen, args=(queue, on_step), daemon=True)
    listener.start()
    pool = ProcessPoolExecutor(jobs, context, _start_worker, (queue, os.getpid()))
    try:
        yield pool
    except BaseException:
        for process in _processes(pool):
            process.kill()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        queue.put(None)
        listener.join(timeout=5)


def _listen(queue: Queue[Step | None], on_step: Sink) -> None:
    while (step := queue.get()) is not None:
        on_step(step)
