"""Putting a suite that a judge grades to the model that a stage measures."""

from __future__ import annotations

from pathlib import Path

from msm.configs import SuiteConfig
from msm.errors import UserError
from msm.evals.finished import finished_log, keep_only
from msm.evals.found import LOGS, Found
from msm.evals.grade_again import grade_again
from msm.evals.judged_suites import JudgedSuite, judged_suite, sample_judged
from msm.evals.measurement import Measurement
from msm.evals.shards import bring_samples
from msm.evals.subject import Subject
from msm.evals.usage import suite_use
from msm.execution import Execution
from msm.llm.opening import open_evaluated
from msm.stage import running_identity


def run_judged(config: SuiteConfig, subject: Subject, out: Path, execution: Execution) -> Found:
    """Sample, grade and read the suite of a config.

    What a pipeline's shards have sampled is not sampled again. Neither are answers that an earlier
    run of this stage sampled whole, and of which too few had a verdict: they are graded again.
    """
    assert config.judge is not None
    suite = judged_suite(config, execution)
    folder = out / LOGS
    if (log := _whole(folder, suite.task.name)) is None:
        model = subject.answering(suite.temperature)
        bring_samples(config, running_identity(), execution, folder, str(model))
        log = sample_judged(suite, model, config, folder, execution)
        found = suite.read(folder)
    else:
        found = _read_or_grade(log, folder, suite, config, execution)
    keep_only(log)
    prices = execution.student.price, execution.judge.price
    used = suite_use(log, prices[0], config.judge.model, prices[1])
    return Found(suite.measures, found, config.judge.model, used)


def _read_or_grade(
    log: Path, folder: Path, suite: JudgedSuite, config: SuiteConfig, execution: Execution
) -> list[Measurement]:
    assert config.judge is not None
    try:
        return suite.read(folder)
    except UserError:
        judge = open_evaluated("judge", config.judge, execution.judge)
        grade_again(log, suite.scorer(judge), log)
    return suite.read(folder)


def _whole(folder: Path, task: str) -> Path | None:
    """The log of an earlier run that came to its end, if there is one."""
    try:
        return finished_log(folder, task) if folder.is_dir() else None
    except UserError:
        return None
