"""The figures of the capability suite, out of Inspect's logs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from msm.evals.capability.general_text import PERPLEXITY
from msm.evals.capability.part import Part
from msm.evals.logged import logged_samples, why_unscored
from msm.evals.measurement import Better, Measure, Measurement, Role, Unit

if TYPE_CHECKING:
    from inspect_ai.log import EvalSample
    from inspect_ai.scorer import Score

TASK = "capability"
SCORER = "capability"
CONSTRAINTS = "instruction_constraints"


def _share(name: str, role: Role, says: str) -> Measure:
    return Measure(name, Unit.SHARE, Better.HIGHER, role, says)


MEASURES = (
    _share("arithmetic", Role.MAIN, "Of the answers that could be read, more are right."),
    _share("reading", Role.MAIN, "Of the answers that could be read, more are right."),
    _share("instructions", Role.MAIN, "More replies keep every constraint of their prompt."),
    _share("tool_calls", Role.MAIN, "More replies are the call that the request wants."),
    Measure(
        PERPLEXITY,
        Unit.NATS,
        Better.LOWER,
        Role.MAIN,
        "General text is predicted worse, in nats a token.",
    ),
    _share("arithmetic_of_all", Role.DETAIL, "More are right, an unread answer being not right."),
    _share("reading_of_all", Role.DETAIL, "More are right, an unread answer being not right."),
    _share(CONSTRAINTS, Role.DETAIL, "More single constraints are kept."),
    _share("tool_calls_well_formed", Role.DETAIL, "More calls have the form and fit a schema."),
    _share("tool_calls_right_tool", Role.DETAIL, "More well-formed calls are of the right tool."),
    _share(
        "tool_calls_right_arguments",
        Role.DETAIL,
        "More calls of the right tool have the right arguments.",
    ),
    _share("tool_calls_restraint", Role.DETAIL, "Where no tool fits, fewer replies call one."),
    _share("arithmetic_read", Role.HEALTH, "More answers could be read."),
    _share("reading_read", Role.HEALTH, "More answers could be read."),
    _share("instructions_read", Role.HEALTH, "More replies are not empty."),
    _share("tool_calls_read", Role.HEALTH, "More replies are not empty."),
)
# Where an unread answer may as well be a wrong one in another form.
_SHORT_ANSWERS = (Part.ARITHMETIC, Part.READING)


def measurements(logs: Path) -> list[Measurement]:
    """The measurements of a folder's finished log of this task; perplexity is measured elsewhere.

    Raises:
        UserError: there is no finished log of this task.
    """
    return [found for sample in logged_samples(logs, TASK) for found in _of_sample(sample)]


def _of_sample(sample: EvalSample) -> Iterator[Measurement]:
    part, item, cluster = Part(sample.metadata["part"]), str(sample.id), sample.metadata["cluster"]

    def found(measure: str, value: float | None, why: str = "", at: str = item) -> Measurement:
        return Measurement(measure, at, cluster, sample.epoch, value, why)

    failed = why_unscored(sample)
    score = (sample.scores or {}).get(SCORER)
    if failed or score is None:
        yield found(_main(part, sample), None, failed or "not scored")
        return
    value = score.as_float()
    read = not math.isnan(value)
    why = "" if read else score.reason or "unread"
    yield found(_main(part, sample), value if read else None, why)
    yield found(f"{part}_read", float(read))
    if part in _SHORT_ANSWERS:
        yield found(f"{part}_of_all", value if read else 0.0)
    for name, kept in _checks(score).items():
        if part is Part.INSTRUCTIONS:
            yield found(CONSTRAINTS, float(kept), at=f"{item}/{name}")
        elif name != "restraint":
            yield found(f"{part}_{name}", float(kept))


def _main(part: Part, sample: EvalSample) -> str:
    """The measure of a sample. One that wants no call is no part of the main figure.

    A model that never writes a call would get it right.
    """
    if part is Part.TOOL_CALLS and sample.metadata["expected"]["call"] is None:
        return "tool_calls_restraint"
    return part.value


def _checks(score: Score) -> dict[str, bool]:
    checks: dict[str, bool] = (score.metadata or {}).get("checks", {})
    return checks
