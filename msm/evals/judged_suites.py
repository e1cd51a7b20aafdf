"""The suites that a judge grades: what a recipe's settings ask for, and how a log is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from msm.configs import SuiteConfig
from msm.evals.measurement import Measure, Read
from msm.execution import Execution
from msm.suites import AgenticSuite, OpenQaSuite

if TYPE_CHECKING:
    from inspect_ai import Task
    from inspect_ai.model import Model
    from inspect_ai.scorer import Scorer


@dataclass(frozen=True)
class JudgedSuite:
    """What is sampled and graded.

    Attributes:
        task: Inspect's, without a judge of its own: that one plays a role.
        scorer: grades with a judge, for answers that are there already.
        epochs: samples of each item.
        temperature: at which the student is sampled.
        maximum_ungraded: the share without a verdict above which ``read`` refuses.
        measures: what is measured.
        read: from a folder of logs, one row a sample and measure.
    """

    task: Task
    scorer: Callable[[Model], Scorer]
    epochs: int
    temperature: float
    maximum_ungraded: float
    measures: tuple[Measure, ...]
    read: Read


def is_judged(config: object) -> bool:
    """Whether a task of ``evaluate`` is one of these."""
    return isinstance(config, SuiteConfig) and isinstance(
        config.settings, AgenticSuite | OpenQaSuite
    )


def judged_suite(config: SuiteConfig, execution: Execution) -> JudgedSuite:
    """The suite of a config of which ``is_judged`` holds."""
    attempts = execution.judge.attempts
    seconds = max(1, round(execution.judge.timeout_seconds))
    match config.settings:
        case AgenticSuite() as settings:
            return _agentic(config, settings, attempts, seconds)
        case OpenQaSuite() as settings:
            return _open_qa(config, settings, attempts, seconds)
        case _:
            raise ValueError(f"no judge grades suite {config.suite}")


def sample_judged(
    suite: JudgedSuite, model: Model, config: SuiteConfig, folder: Path, execution: Execution
) -> Path:
    """Sample and grade what a log folder lacks of a suite; returns the finished log.

    Raises:
        UserError: the judge cannot be used, or too many samples failed; what is done is kept.
    """
    from msm.evals.sampling import sample_suite
    from msm.llm.opening import open_evaluated

    assert config.judge is not None
    return sample_suite(
        suite.task,
        model,
        folder,
        suite.epochs,
        open_evaluated("judge", config.judge, execution.judge),
        suite.maximum_ungraded,
        maximum_samples=execution.student.connections,
    )


def _agentic(
    config: SuiteConfig, settings: AgenticSuite, attempts: int, seconds: int
) -> JudgedSuite:
    from msm.evals.agentic.cells import Goal
    from msm.evals.agentic.measure import MEASURES, measurements
    from msm.evals.agentic.scorer import agentic_scorer
    from msm.evals.agentic.task import agentic

    return JudgedSuite(
        task=agentic(
            actions=list(settings.actions),
            goals=list(settings.goals or Goal),
            assistant=config.assistant,
            provider=config.provider,
            scratchpad=settings.scratchpad,
            temperature=settings.temperature,
            max_tokens=settings.maximum_tokens,
            max_ungraded=settings.maximum_ungraded,
            judge_attempts=attempts,
            judge_seconds=seconds,
        ),
        scorer=lambda judge: agentic_scorer(judge, attempts, seconds),
        epochs=settings.epochs,
        temperature=settings.temperature,
        maximum_ungraded=settings.maximum_ungraded,
        measures=MEASURES,
        read=measurements,
    )


def _open_qa(
    config: SuiteConfig, settings: OpenQaSuite, attempts: int, seconds: int
) -> JudgedSuite:
    from msm.evals.open_qa.measure import MEASURES, measurements
    from msm.evals.open_qa.task import open_qa, open_qa_scorer

    return JudgedSuite(
        task=open_qa(
            assistant=config.assistant,
            categories=list(settings.categories),
            temperature=settings.temperature,
            max_tokens=settings.maximum_tokens,
            max_ungraded=settings.maximum_ungraded,
            judge_attempts=attempts,
            judge_seconds=seconds,
        ),
        scorer=lambda judge: open_qa_scorer(judge, config.assistant, attempts, seconds),
        epochs=settings.epochs,
        temperature=settings.temperature,
        maximum_ungraded=settings.maximum_ungraded,
        measures=MEASURES,
        read=measurements,
    )
