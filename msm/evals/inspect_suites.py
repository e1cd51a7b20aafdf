"""The suites that a judge grades, from a recipe's settings to measurements."""

from __future__ import annotations

from pathlib import Path

from msm.configs import SuiteConfig
from msm.evals.found import Found
from msm.evals.inspect_run import Sampled, sample_and_judge
from msm.evals.measurement import Measure
from msm.evals.subject import Subject
from msm.execution import Execution
from msm.suites import AgenticSuite, OpenQaSuite


def run_agentic(
    config: SuiteConfig, settings: AgenticSuite, subject: Subject, out: Path, execution: Execution
) -> Found:
    """Sample and grade the cells."""
    from msm.evals.agentic.cells import Goal
    from msm.evals.agentic.measure import MEASURES, measurements
    from msm.evals.agentic.scorer import agentic_scorer
    from msm.evals.agentic.task import agentic

    attempts, seconds = _patience(execution)
    sampled = sample_and_judge(
        agentic(
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
        lambda judge: agentic_scorer(judge, attempts, seconds),
        config,
        settings.epochs,
        settings.temperature,
        settings.maximum_ungraded,
        measurements,
        subject,
        out,
        execution,
    )
    return _found(MEASURES, sampled, config)


def run_open_qa(
    config: SuiteConfig, settings: OpenQaSuite, subject: Subject, out: Path, execution: Execution
) -> Found:
    """Ask the open questions and have the answers scored."""
    from msm.evals.open_qa.measure import MEASURES, measurements
    from msm.evals.open_qa.task import open_qa, open_qa_scorer

    attempts, seconds = _patience(execution)
    sampled = sample_and_judge(
        open_qa(
            assistant=config.assistant,
            categories=list(settings.categories),
            temperature=settings.temperature,
            max_tokens=settings.maximum_tokens,
            max_ungraded=settings.maximum_ungraded,
            judge_attempts=attempts,
            judge_seconds=seconds,
        ),
        lambda judge: open_qa_scorer(judge, config.assistant, attempts, seconds),
        config,
        settings.epochs,
        settings.temperature,
        settings.maximum_ungraded,
        measurements,
        subject,
        out,
        execution,
    )
    return _found(MEASURES, sampled, config)


def _patience(execution: Execution) -> tuple[int, int]:
    return execution.judge.attempts, max(1, round(execution.judge.timeout_seconds))


def _found(measures: tuple[Measure, ...], sampled: Sampled, config: SuiteConfig) -> Found:
    judge = config.judge.model if config.judge else ""
    return Found(measures, sampled.measurements, judge, sampled.models)
