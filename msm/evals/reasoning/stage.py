"""The reasoning suite within the stage ``evaluate``: over what its agentic suite has stored."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msm.configs import SuiteConfig
from msm.evals.found import LOGS, Found
from msm.evals.reasoning.analyse import analyse
from msm.evals.reasoning.measure import measurements, measures_of
from msm.evals.reasoning.reasons import STARTING_REASONS
from msm.execution import Execution
from msm.suites import ReasoningSuite


def run_reasoning(
    config: SuiteConfig,
    settings: ReasoningSuite,
    inputs: Mapping[str, Path],
    out: Path,
    execution: Execution,
) -> Found:
    """Name the decisive reasons of all stored transcripts.

    Raises:
        UserError: as ``analyse``.
    """
    if config.judge is None:
        raise ValueError(f"suite {config.suite} needs a judge")
    analysis = analyse(
        inputs["transcripts"] / LOGS,
        out,
        config.judge,
        execution.judge,
        inputs.get("reasons", STARTING_REASONS),
        settings.maximum_unclassified,
    )
    return Found(
        measures_of(out),
        measurements(out),
        config.judge.model,
        {"judge": analysis.use.to_json()},
        {"reasoning": analysis.to_json()},
    )
