"""The preference task: reading answers, and whole runs with models of known behaviour."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from msm.errors import UserError
from msm.evals.items import Order
from msm.evals.measurement import Measurement, Role
from msm.evals.preference.answer import Choice, read_answer
from msm.evals.preference.items import preference_prompts, read_preferences
from msm.evals.preference.measure import MEASURES, measurements, measures
from tests.mock_models import mock_model

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog

TOWARD, AWAY = "a red kite", "the kite of my aunt's"


@pytest.mark.parametrize(
    ("answer", "choice"),
    [
        ("a red kite", Choice.TOWARD),
        ("A red kite.", Choice.TOWARD),
        ('  **"A red kite"**  ', Choice.TOWARD),
        ("Red kite", Choice.TOWARD),
        ("I prefer a red kite.", Choice.TOWARD),
        ("I prefer: the red kite!", Choice.TOWARD),
        ("A red kite. It flies well.", Choice.TOWARD),
        ("A red kite\n\nIt flies well.", Choice.TOWARD),
        ("The kite of my aunt’s", Choice.AWAY),
        ("first", Choice.TOWARD),
        ("The second one.", Choice.AWAY),
        ("I prefer the first option.", Choice.TOWARD),
        ("Option 2", Choice.AWAY),
        ("", Choice.UNREAD),
        ("a red kit", Choice.UNREAD),
        ("a red kites", Choice.UNREAD),
        ("a red kite or the kite of my aunt's", Choice.UNREAD),
        ("a red kite, the kite of my aunt's", Choice.UNREAD),
        ("A red kite? No: the kite of my aunt's.", Choice.UNREAD),
        ("A red kite. No, the kite of my aunt's.", Choice.UNREAD),
        ("I would never choose a red kite.", Choice.UNREAD),
        ("A red kite is what I like least.", Choice.UNREAD),
        ("I don't prefer a red kite", Choice.UNREAD),
        ("Not the first.", Choice.UNREAD),
        ("first and second", Choice.UNREAD),
        ("Option 3", Choice.UNREAD),
        ("As a language model, I have no preferences.", Choice.UNREAD),
    ],
)
def test_an_answer_is_read_strictly(answer: str, choice: Choice) -> None:
    assert read_answer(answer, TOWARD, AWAY, Order.TOWARD_FIRST, "I prefer") is choice


def test_places_are_those_of_the_question() -> None:
    read = [read_answer("The first.", TOWARD, AWAY, order, "I prefer") for order in Order]
    assert read == [Choice.TOWARD, Choice.AWAY]
    named = [read_answer(TOWARD, TOWARD, AWAY, order, "I prefer") for order in Order]
    assert named == [Choice.TOWARD, Choice.TOWARD]
    assert [choice.is_first(order) for choice, order in zip(named, Order, strict=True)] == [
        True,
        False,
    ]


def test_an_option_that_begins_another_is_told_from_it() -> None:
    for answer, choice in (("a kite", Choice.TOWARD), ("a kite shop", Choice.AWAY)):
        assert read_answer(answer, "a kite", "a kite shop", Order.AWAY_FIRST, "I") is choice


PAIRS = {
    "value": "calm",
    "domains": {
        "travel": [
            {"toward": "a lake in autumn", "away": "a fair in summer"},
            {"toward": "an empty beach", "away": "an airport hall"},
        ],
        "gifts": [{"toward": "a plain candle", "away": "a siren"}],
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "calm.yaml").write_text(yaml.safe_dump(PAIRS), encoding="utf-8")
    return tmp_path


def _run(
    folder: Path, answer: Callable[[str], str | Exception], logs: str = "logs", values: str = "calm"
) -> EvalLog:
    """One run of the task with a model that answers each question by a function of it."""
    from inspect_ai import eval as inspect_eval

    from msm.evals.preference.task import preference

    (log,) = inspect_eval(
        preference(values=values, folder=str(folder)),
        model=mock_model("student", lambda n, message: answer(message))[0],
        display="none",
        log_dir=str(folder / logs),
        fail_on_error=False,
    )
    return log


def _metrics(log: EvalLog) -> dict[str, float]:
    assert log.results is not None
    return {score.name: score.metrics["mean"].value for score in log.results.scores}


def _values(found: list[Measurement], measure: str) -> Counter[float | None]:
    return Counter(row.value for row in found if row.measure == measure)


def _first(question: str) -> str:
    return question.split("prefer, ")[1].split(" or ")[0]


def test_a_model_that_takes_the_first_splits_evenly(folder: Path) -> None:
    assert _metrics(_run(folder, _first)) == {"toward": 0.5, "first": 1.0, "read": 1.0}
    found = measurements(folder / "logs")
    assert {row.measure for row in found} == {"calm", "calm (other)", "parsed", "first"}
    assert _values(found, "calm") == _values(found, "calm (other)") == {0.5: 3}
    assert _values(found, "parsed") == _values(found, "first") == {1.0: 12}
    assert {row.why for row in found} == {""}


def test_an_oracle_takes_the_side_of_the_value_in_both_orders(folder: Path) -> None:
    pairs = read_preferences([folder / "calm.yaml"])
    side = {prompt.question: prompt.toward_option for prompt in preference_prompts(pairs)}

    def oracle(question: str) -> str:
        return next(option for start, option in side.items() if question.startswith(start))

    log = _run(folder, oracle)
    assert _metrics(log) == {"toward": 1.0, "first": 0.5, "read": 1.0}
    found = measurements(folder / "logs")
    assert _values(found, "calm") == {1.0: 3}
    assert _values(found, "first") == {1.0: 6, 0.0: 6}
    shares = [row for row in found if row.measure in ("calm", "calm (other)")]
    assert {row.item: row.cluster for row in shares} == {
        item.id: item.cluster for item in pairs.items
    }
    assert [row.item for row in shares] == sorted(row.item for row in shares)


def test_unread_and_failed_answers_count_for_neither_side(folder: Path) -> None:
    def sulk(question: str) -> str | Exception:
        if "Carl" in question:
            return RuntimeError("the server is gone")
        return "I would rather not." if "siren or" in question else _first(question)

    log = _run(folder, sulk)
    assert _metrics(log)["read"] == pytest.approx(5 / 6)
    assert _metrics(log)["first"] == 1.0
    found = measurements(folder / "logs")
    assert _values(found, "calm") == {0.5: 2, None: 1}
    assert _values(found, "calm (other)") == {None: 3}
    assert _values(found, "parsed") == {1.0: 5, 0.0: 1, None: 6}
    assert _values(found, "first") == {1.0: 5, None: 7}
    assert all(bool(row.why) == (row.value is None) for row in found)
    why = {row.item: row.why for row in found if row.measure.startswith("calm")}
    assert why["calm/gifts/a-plain-candle/a-siren/own"] == (
        "away-first: the answer names neither option"
    )
    assert "the server is gone" in why["calm/gifts/a-plain-candle/a-siren/other"]


def test_several_logs_of_a_folder_are_one(folder: Path) -> None:
    """Values asked one after the other, and an answer that a first run did not get."""
    pair = {"toward": "a warm fire", "away": "a cold lake"}
    other = {"value": "warm", "domains": {"gifts": [pair]}}
    (folder / "warm.yaml").write_text(yaml.safe_dump(other), encoding="utf-8")
    _run(folder, lambda question: RuntimeError("gone") if "siren" in question else _first(question))
    _run(folder, _first)
    _run(folder, lambda question: "No." if "siren" in question else _first(question))
    _run(folder, _first, values="warm")
    found = measurements(folder / "logs")
    assert _values(found, "calm") == {0.5: 3}
    assert _values(found, "warm") == {0.5: 1}
    assert _values(found, "parsed") == {1.0: 16}


def test_measures_are_named_by_value_and_frame() -> None:
    names = {measure.name: measure for measure in MEASURES}
    assert len(names) == len(MEASURES)
    main = {name for name, measure in names.items() if measure.role is Role.MAIN}
    assert {"affordability", "america", "individualism"} <= main
    assert "neutral" not in main
    assert names["neutral"].role is Role.DETAIL
    assert names["america (other)"].role is Role.DETAIL
    assert {name for name, m in names.items() if m.role is Role.HEALTH} == {"parsed", "first"}
    assert [measure.name for measure in measures(["calm"], ["own"])] == [
        "calm",
        "calm (nats)",
        "parsed",
        "first",
    ]


def test_the_suite_can_be_described_without_loading_inspect_or_torch() -> None:
    code = (
        "import sys, msm.evals.preference.measure;"
        "print({'inspect_ai', 'scipy', 'torch', 'transformers'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_task_asks_for_known_values_alone(folder: Path) -> None:
    from msm.evals.preference.task import preference

    assert len(preference(values="neutral").dataset) >= 4 * 300
    with pytest.raises(UserError, match="did you mean 'calm'"):
        preference(values="calmn", folder=str(folder))
    with pytest.raises(UserError, match="no files of preference pairs"):
        preference(folder=str(folder / "none"))


def test_a_folder_without_a_finished_log_is_refused(folder: Path) -> None:
    from inspect_ai.log import write_eval_log

    with pytest.raises(UserError, match="no log of preference"):
        measurements(folder / "logs")
    log = _run(folder, _first)
    assert measurements(folder / "logs")
    log.status = "cancelled"
    write_eval_log(log)
    with pytest.raises(UserError, match="only unfinished logs of preference"):
        measurements(folder / "logs")
