"""Running a whole experiment: every task once, as soon as what it needs is there.

Tasks run in worker processes, ``execution.jobs`` at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from msm.configs import DemonstrateConfig
from msm.demonstrations.criteria import check_judge
from msm.errors import Interrupted, UserError
from msm.evaluation_tasks import base_spec
from msm.experiment import build_tasks
from msm.progress import Sink
from msm.recipe import Recipe
from msm.task import GivenInput, PromptsInput, Stage, StudentInput, Task
from msm.training import interruption
from msm.workers import Result, ask_to_stop, submit, worker_pool
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
    running: dict[Future[Result], Task] = {}
    try:
        with worker_pool(recipe.execution.jobs, on_step) as pool, interruption.listening():

            def begin(task: Task) -> None:
                running[submit(pool, recipe, root, task, replace_outputs)] = task

            return _run(tasks, running, begin, partial(ask_to_stop, pool), on_finished)
    except BrokenProcessPool:
        at_work = " or ".join(task.label for task in running.values())
        raise UserError(
            f"{at_work}: its process was killed, most often for want of memory; "
            "lower execution.jobs and run again: finished work is kept"
        ) from None


def _run(
    tasks: Sequence[Task],
    running: dict[Future[Result], Task],
    begin: Callable[[Task], None],
    stop: Callable[[], None],
    on_finished: Callable[[Finished], None],
) -> list[Finished]:
    """Begin each task as soon as it can be; ``running`` has those that have not ended."""
    finished: list[Finished] = []
    waiting = list(tasks)
    done: set[str] = set()
    error: Exception | None = None
    stopping = False
    while (waiting and error is None) or running:
        number = interruption.asked()
        if number is not None and not _training(running.values()):
            made = f"after {len(finished)} of {len(tasks)} outputs"
            raise interruption.interrupted(number, made)
        if number is not None and not stopping:
            stopping = True
            stop()
        ready = [task for task in waiting if _ready(task, done)]
        for task in ready if error is None and not stopping else []:
            begin(task)
            waiting.remove(task)
        ended, _ = wait(running, WAKE_SECONDS, return_when=FIRST_COMPLETED)
        for job in ended:
            task = running[job]
            try:
                finished.append(Finished(task, *job.result()))
                done.add(task.label)
                on_finished(finished[-1])
            except BrokenProcessPool:
                raise
            except Exception as failure:
                error = error or failure
            except Interrupted:  # it has saved
                pass
            del running[job]
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


def _ready(task: Task, done: set[str]) -> bool:
    return all(f"{need.stage}/{need.name}" in done for need in task.needs)


def _training(tasks: Iterable[Task]) -> bool:
    return any(task.stage is Stage.TRAIN for task in tasks)
