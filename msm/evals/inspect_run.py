"""Running an Inspect task on the model that a stage measures, with what it used."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msm.configs import SuiteConfig
from msm.errors import UserError
from msm.evals.finished import finished_log
from msm.evals.found import LOGS
from msm.evals.grade_again import grade_again
from msm.evals.measurement import Measurement
from msm.evals.sampling import sample_suite
from msm.evals.subject import Subject
from msm.evals.usage import suite_use
from msm.execution import Execution
from msm.llm.opening import open_evaluated

if TYPE_CHECKING:
    from inspect_ai import Task
    from inspect_ai.model import Model
    from inspect_ai.scorer import Scorer

Read = Callable[[Path], list[Measurement]]


@dataclass(frozen=True)
class Sampled:
    """What was measured, and the ledger by role."""

    measurements: Sequence[Measurement]
    models: dict[str, dict[str, Any]]


def sample(
    task: Task,
    epochs: int,
    temperature: float,
    read: Read,
    subject: Subject,
    out: Path,
    execution: Execution,
) -> Sampled:
    """Run a task that needs no judge, and ``read`` its folder of logs."""
    model = subject.answering(temperature)
    at_once = execution.student.connections
    log = sample_suite(task, model, out / LOGS, epochs, maximum_samples=at_once)
    used = suite_use(log, execution.student.price, "", execution.judge.price)
    found = read(out / LOGS)
    _keep_only(log)
    return Sampled(found, used)


def sample_and_judge(
    task: Task,
    scorer: Callable[[Model], Scorer],
    config: SuiteConfig,
    epochs: int,
    temperature: float,
    maximum_errors: float,
    read: Read,
    subject: Subject,
    out: Path,
    execution: Execution,
) -> Sampled:
    """Run a task whose scorer asks the judge, and ``read`` its folder of logs.

    Answers that an earlier run of this stage sampled whole, and whose grades were too few for
    ``read``, are not sampled again: they are graded again.
    """
    if config.judge is None:
        raise ValueError(f"suite {config.suite} needs a judge")
    judge = open_evaluated("judge", config.judge, execution.judge)
    folder = out / LOGS
    if (log := _whole(folder, task.name)) is None:
        model = subject.answering(temperature)
        log = sample_suite(
            task,
            model,
            folder,
            epochs,
            judge,
            maximum_errors,
            maximum_samples=execution.student.connections,
        )
        found = read(folder)
    else:
        found = _read_or_grade(log, folder, read, lambda: scorer(judge))
    _keep_only(log)
    prices = execution.student.price, execution.judge.price
    return Sampled(found, suite_use(log, prices[0], config.judge.model, prices[1]))


def _read_or_grade(
    log: Path, folder: Path, read: Read, scorer: Callable[[], Scorer]
) -> list[Measurement]:
    try:
        return read(folder)
    except UserError:
        grade_again(log, scorer(), log)
    return read(folder)


def _keep_only(log: Path) -> None:
    """Leave the one log that figures come from: not the logs of runs that were cut."""
    for path in log.parent.iterdir():
        if path.name != log.name:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _whole(folder: Path, task: str) -> Path | None:
    """The log of an earlier run that came to its end, if there is one."""
    try:
        return finished_log(folder, task) if folder.is_dir() else None
    except UserError:
        return None
