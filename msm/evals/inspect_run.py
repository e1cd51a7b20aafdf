"""Running an Inspect task that needs no judge on the model that a stage measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msm.evals.finished import keep_only
from msm.evals.found import LOGS
from msm.evals.measurement import Measurement, Read
from msm.evals.sampling import sample_suite
from msm.evals.subject import Subject
from msm.evals.usage import suite_use
from msm.execution import Execution

if TYPE_CHECKING:
    from inspect_ai import Task


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
    """Run the task, and ``read`` its folder of logs."""
    model = subject.answering(temperature)
    at_once = execution.student.connections
    log = sample_suite(task, model, out / LOGS, epochs, maximum_samples=at_once)
    used = suite_use(log, execution.student.price, "", execution.judge.price)
    found = read(out / LOGS)
    keep_only(log)
    return Sampled(found, used)
