"""The figures of another package's task: the share of samples that its own scorer finds right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msm.evals.logged import logged_samples, why_unscored
from msm.evals.measurement import Better, Measure, Measurement, Role, Unit

if TYPE_CHECKING:
    from inspect_ai.log import EvalSample


def named_measure(name: str) -> Measure:
    """The one measure of a task called ``name``."""
    says = f"The scorer of {name} finds more samples right."
    return Measure(name, Unit.SHARE, Better.HIGHER, Role.DETAIL, says)


def named_measurements(name: str, logs: Path) -> list[Measurement]:
    """One measurement a sample and epoch, by the first scorer; each item is its own cluster.

    A score that is no share from 0 to 1 has no value here; it stays in the log.

    Raises:
        UserError: the folder holds no finished log of this task.
    """
    samples = logged_samples(logs, name.rpartition("/")[2])
    return [_of_sample(name, sample) for sample in samples]


def _of_sample(name: str, sample: EvalSample) -> Measurement:
    from inspect_ai.scorer import value_to_float

    item = f"{name}/{sample.id}"
    if why := why_unscored(sample):
        return Measurement(name, item, item, sample.epoch, None, why)
    score = next(iter((sample.scores or {}).values()))
    if not isinstance(score.value, str | int | float | bool):
        return Measurement(name, item, item, sample.epoch, None, "the score has several parts")
    value = value_to_float()(score.value)
    if not 0 <= value <= 1:
        return Measurement(name, item, item, sample.epoch, None, f"the score {value:g} is no share")
    return Measurement(name, item, item, sample.epoch, value)
