"""The capability task in an Inspect run, its measurements, and tasks of other packages by name."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from inspect_ai import eval as run_eval
from inspect_ai.log import EvalLog

from msm.errors import UserError
from msm.evals.capability.measure import MEASURES, measurements
from msm.evals.capability.named_tasks import named_tasks
from msm.evals.capability.part import Part
from msm.evals.capability.problems import capability_problems
from msm.evals.capability.task import capability
from msm.evals.measurement import Measurement
from tests.mock_models import mock_model, mock_output


def _run(folder: Path, parts: str, answers: dict[str, str]) -> EvalLog:
    """Run the parts with an answer for each prompt; the others get no answer at all."""

    def reply(number: int, prompt: str) -> object:
        answer = answers.get(prompt, "")
        return mock_output(answer[:-1], "max_tokens") if answer.endswith("…") else answer

    model, _ = mock_model("student", reply)  # type: ignore[arg-type]
    (log,) = run_eval(capability(parts=parts), model=model, log_dir=str(folder), display="none")
    return log


def _by_measure(found: list[Measurement]) -> dict[str, list[Measurement]]:
    groups: defaultdict[str, list[Measurement]] = defaultdict(list)
    for measurement in found:
        groups[measurement.measure].append(measurement)
    return groups


def test_unread_answers_are_apart_from_wrong_ones(tmp_path: Path) -> None:
    problems = capability_problems([Part.ARITHMETIC])
    answers = {p.prompt: f"Answer: {p.expected['number']}" for p in problems[:100]}
    answers |= {p.prompt: "Answer: 123456" for p in problems[100:120]}
    answers[problems[120].prompt] = "Let me see, first we take…"
    log = _run(tmp_path, "arithmetic", answers)
    assert log.status == "success"
    found = _by_measure(measurements(tmp_path))
    assert len(found["arithmetic"]) == len(problems)
    values = {m.item: m.value for m in found["arithmetic"]}
    assert [values[p.id] for p in problems] == [1.0] * 100 + [0.0] * 20 + [None] * 20
    assert sum(m.value or 0 for m in found["arithmetic_read"]) == 120
    assert [m.value for m in found["arithmetic_of_all"]].count(0.0) == 40
    assert {m.why for m in found["arithmetic"] if m.item == problems[120].id} == {
        "cut off at the limit of tokens"
    }
    assert {m.cluster for m in found["arithmetic"]} == {p.cluster for p in problems}


def test_every_measurement_is_of_a_measure(tmp_path: Path) -> None:
    problems = capability_problems()
    calls = (
        '<tool_call>{"name": "get_weather", "arguments": {"town": "X", "day": "today"}}</tool_call>'
    )
    answers = {p.prompt: calls if p.part is Part.TOOL_CALLS else "Answer: 1" for p in problems}
    log = _run(tmp_path, "", answers)
    assert log.status == "success"
    found = _by_measure(measurements(tmp_path))
    assert set(found) < {measure.name for measure in MEASURES}
    assert {measure.name for measure in MEASURES} - set(found) == {"perplexity"}
    assert len(found["tool_calls"]) == 34
    assert [m.value for m in found["tool_calls_restraint"]] == [0.0] * 6
    assert len(found["tool_calls_right_arguments"]) == 3
    assert len({(m.measure, m.item, m.epoch) for ms in found.values() for m in ms}) == sum(
        map(len, found.values())
    )


def test_a_sample_that_failed_has_no_value(tmp_path: Path) -> None:
    problems = capability_problems([Part.READING])
    model, _ = mock_model(
        "student", lambda n, prompt: ValueError("lost") if n == 0 else "Answer: nothing"
    )
    run_eval(
        capability(parts="reading"),
        model=model,
        log_dir=str(tmp_path),
        display="none",
        fail_on_error=False,
        max_connections=1,
        max_samples=1,
    )
    found = _by_measure(measurements(tmp_path))
    lost = [m for m in found["reading"] if m.value is None]
    assert len(lost) == 1
    assert "lost" in lost[0].why
    assert len(found["reading"]) == len(problems)
    assert len(found["reading_read"]) == len(problems) - 1


def test_a_task_of_another_package_is_found_by_name() -> None:
    (found,) = named_tasks(["inspect_evals/make_me_pay"])
    assert found.name.endswith("make_me_pay")
    assert len(found.dataset) > 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("inspect_evals/make_me_play", "did you mean 'inspect_evals/make_me_pay'"),
        ("no_such_package/task", "package 'no_such_package'.*not installed"),
        ("gsm8k", "package/task"),
        ("inspect_evals/gsm8k", "inspect_evals/gsm8k cannot be loaded"),
    ],
)
def test_what_a_named_task_lacks_is_said_in_one_line(name: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        named_tasks([name])
    assert "\n" not in str(caught.value)
