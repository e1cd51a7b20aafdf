"""The capability suite on the model of a recipe's stage: problems, general text, further tasks."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from msm.configs import SuiteConfig
from msm.evals.capability.general_text import general_paragraphs, text_measurements
from msm.evals.capability.lm_eval_tasks import (
    PREFIX,
    lm_eval_measurements,
    require_lm_eval,
)
from msm.evals.capability.measure import MEASURES, measurements
from msm.evals.capability.named_measure import named_measure, named_measurements
from msm.evals.capability.named_tasks import named_tasks
from msm.evals.capability.task import capability
from msm.evals.found import Found
from msm.evals.inspect_run import sample
from msm.evals.measurement import Measurement
from msm.evals.subject import Subject, Weights
from msm.execution import Execution
from msm.progress import track
from msm.suites import CapabilitySuite

FURTHER = "further"  # where logs of other packages' tasks lie, each in a folder of its own


def run_capability(
    config: SuiteConfig,
    settings: CapabilitySuite,
    subject: Subject,
    out: Path,
    execution: Execution,
) -> Found:
    """Ask all problems; score general text, unless only a server has the weights.

    Raises:
        UserError: a part or a task is unknown, or a task lacks something.
    """
    # What is missing is said before anything is asked.
    by_harness = [name for name in settings.tasks if name.startswith(PREFIX)]
    further = {name: named_tasks([name]) for name in settings.tasks if name not in by_harness}
    if by_harness:
        require_lm_eval(by_harness)
    task = capability(list(settings.parts), settings.problems, settings.maximum_tokens)
    # Before the problems, so that weights which were loaded to be proven are not loaded again.
    text = _general_text(config, subject) if isinstance(subject, Weights) else []
    sampled = sample(task, 1, 0.0, measurements, subject, out, execution)
    found, models = [*sampled.measurements, *text], {**sampled.models}
    for name, tasks in further.items():
        folder = out / FURTHER / name.replace("/", "-")
        read = partial(named_measurements, name)
        for each in tasks:
            ran = sample(each, 1, 0.0, read, subject, folder, execution)
            found += ran.measurements
            models = _summed(models, ran.models)
    if by_harness:
        found += lm_eval_measurements(by_harness, *subject.loaded(), config.batch_size)
    there = dict.fromkeys(row.measure for row in found)
    known = [measure for measure in MEASURES if measure.name in there]
    named = [named_measure(name) for name in there if "/" in name]
    return Found((*known, *named), found, models=models)


def _general_text(config: SuiteConfig, subject: Subject) -> list[Measurement]:
    model, tokenizer = subject.loaded()
    with track("general text", len(general_paragraphs()), "paragraphs") as advance:
        return text_measurements(model, tokenizer, config.batch_size, advance)


def _summed(
    ledger: dict[str, dict[str, Any]], more: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Two ledgers as one: numbers are added, role by role; all else is the first's."""
    result = {**ledger}
    for role, use in more.items():
        before = result.get(role, {})
        numbers = {
            name: before[name] + value
            for name, value in use.items()
            if name in before and isinstance(value, int | float) and not isinstance(value, bool)
        }
        result[role] = {**use, **before, **numbers}
    return result
