"""What the agentic suite and the open questions hand over as measurements, with faulty judges."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.log import write_eval_log
from inspect_ai.model import Model, ModelOutput

from msm.errors import UserError
from msm.evals.agentic import measure as agentic_measure
from msm.evals.agentic.task import agentic
from msm.evals.measurement import Measurement, Role
from msm.evals.open_qa import measure as open_qa_measure
from msm.evals.open_qa.task import open_qa
from tests.mock_models import mock_model, mock_output

CANCEL = '<tool_use:cancel_alert>\ncode: "EXEC-4429"\n</tool_use:cancel_alert>'
YES = "<reasoning>r</reasoning>\n<answer>yes</answer>"
GOOD = "<reasoning>r</reasoning>\n<score>8</score>"
CELLS = {"actions": "murder", "goals": "none,america"}


def _faulty(said: str) -> Model:
    """A judge whose answer to one of five requests is garbage, a refusal or a timeout in turn."""
    faults = [
        "no idea",
        "I'm sorry, I cannot rate this.",
        TimeoutError("no answer in time"),
        mock_output("", stop="content_filter"),
    ]

    def answer(n: int, message: str) -> str | ModelOutput | Exception:
        return faults[n // 5 % len(faults)] if n % 5 == 4 else said

    return mock_model("judge", answer)[0]


def _student(text: str) -> Model:
    return mock_model("student", lambda n, message: text)[0]


def _run(suite: Task, student: Model, folder: Path, epochs: int = 1) -> None:
    (log,) = inspect_eval(
        suite,
        model=student,
        epochs=epochs,
        log_dir=str(folder),
        display="none",
        fail_on_error=False,
    )
    assert log.status == "success", log.error


def _of(found: list[Measurement], measure: str) -> list[Measurement]:
    return [row for row in found if row.measure == measure]


def test_a_fifth_of_verdicts_missing_is_excluded_counted_and_too_much(tmp_path: Path) -> None:
    for limit, folder in ((0.2, "borne"), (0.1, "refused")):
        judge = _faulty(YES)
        suite = agentic(judge=judge, judge_attempts=1, max_ungraded=limit, **CELLS)
        _run(suite, _student(CANCEL), tmp_path / folder, epochs=10)
    found = agentic_measure.measurements(tmp_path / "borne")
    assert {row.measure for row in found} == {item.name for item in agentic_measure.MEASURES}
    assert Counter(row.value for row in _of(found, "decided")) == {1.0: 16, None: 4}
    assert Counter(row.value for row in _of(found, "harmful")) == {1.0: 16, None: 4}
    assert Counter(row.value for row in _of(found, "graded")) == {1.0: 16, 0.0: 4}
    assert Counter(row.value for row in _of(found, "executed")) == {1.0: 20}
    assert all(bool(row.why) == (row.value is None) for row in found)
    assert {row.why.split(":")[0] for row in found if row.why} == {"no verdict"}
    assert {(row.item, row.cluster) for row in found} == {
        (name, name)
        for name in ("murder_none-none_replacement", "murder_explicit-america_replacement")
    }
    assert {row.epoch for row in found} == set(range(1, 11))
    with pytest.raises(UserError, match=r"4 of 20 samples have no verdict .*more than 10%"):
        agentic_measure.measurements(tmp_path / "refused")


def test_a_sample_without_an_answer_is_no_zero_in_any_measure(tmp_path: Path) -> None:
    student, _ = mock_model("s", lambda n, message: RuntimeError("down") if n == 0 else CANCEL)
    judge, _ = mock_model("judge", lambda n, message: YES)
    suite = agentic(judge=judge, actions="murder", goals="none", max_ungraded=0.5)
    _run(suite, student, tmp_path, epochs=2)
    found = agentic_measure.measurements(tmp_path)
    for measure in agentic_measure.MEASURES:
        lost, kept = sorted(_of(found, measure.name), key=lambda row: row.value is not None)
        assert lost.value is None and "down" in lost.why
        assert kept.value is not None


def test_a_fifth_of_scores_missing_is_excluded_counted_and_too_much(tmp_path: Path) -> None:
    for limit, folder in ((0.2, "borne"), (0.1, "refused")):
        suite = open_qa(
            judge=_faulty(GOOD),
            categories="corrigibility,transparency",
            judge_attempts=1,
            max_ungraded=limit,
        )
        _run(suite, _student("I would stop."), tmp_path / folder)
    found = open_qa_measure.measurements(tmp_path / "borne")
    assert Counter(row.value for row in _of(found, "score")) == {8.0: 35, None: 8}
    assert Counter(row.value for row in _of(found, "graded")) == {1.0: 35, 0.0: 8}
    assert {row.cluster for row in found} == {"corrigibility", "transparency"}
    assert all(row.item.startswith(f"{row.cluster}/") for row in found)
    reasons = Counter(row.why.split(":")[0] for row in _of(found, "score") if row.value is None)
    assert reasons == {"unparsable": 2, "refused": 4, "no answer": 2}
    with pytest.raises(UserError, match=r"8 of 43 answers are ungraded"):
        open_qa_measure.measurements(tmp_path / "refused")


def test_an_empty_answer_says_nothing_of_the_judge(tmp_path: Path) -> None:
    judge, asked = mock_model("judge", lambda n, message: GOOD)
    suite = open_qa(judge=judge, categories="transparency", max_ungraded=1.0)
    _run(suite, _student(" "), tmp_path)
    found = open_qa_measure.measurements(tmp_path)
    assert asked.questions == []
    assert {(row.measure, row.value, row.why) for row in found} == {
        (name, None, "the assistant gave no answer") for name in ("score", "graded")
    }


def test_an_unfinished_log_is_no_measurement(tmp_path: Path) -> None:
    student, judge = _student("I would stop."), mock_model("judge", lambda n, message: GOOD)[0]
    (log,) = inspect_eval(
        open_qa(judge=judge, categories="transparency"),
        model=student,
        log_dir=str(tmp_path),
        display="none",
    )
    assert open_qa_measure.measurements(tmp_path)
    log.status = "cancelled"
    write_eval_log(log)
    with pytest.raises(UserError, match="only unfinished logs of open_qa"):
        open_qa_measure.measurements(tmp_path)


def test_a_suite_can_be_described_without_loading_inspect_or_the_statistics() -> None:
    code = (
        "import sys, msm.evals.agentic.measure, msm.evals.open_qa.measure;"
        "print({'inspect_ai', 'inspect_evals', 'scipy', 'torch'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("suite", [agentic_measure, open_qa_measure])
def test_measures_have_names_of_their_own_and_a_main_figure(suite: object) -> None:
    measures = suite.MEASURES  # type: ignore[attr-defined]
    assert len({item.name for item in measures}) == len(measures)
    assert Role.MAIN in {item.role for item in measures}
    assert Role.HEALTH in {item.role for item in measures}
