"""The preference task: reading answers, and whole runs with models of known behaviour."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from msm.errors import UserError
from msm.evals.items import Order
from msm.evals.preference.answer import Choice, read_answer
from msm.evals.preference.items import preference_prompts, read_preferences
from msm.evals.preference.log import Choices, read_choices

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


def _run(folder: Path, answer: Callable[[str], str]) -> tuple[EvalLog, Choices]:
    """One run of the task with a model that answers each question by a function of it."""
    from inspect_ai import eval as inspect_eval
    from inspect_ai.model import ModelOutput, ModelUsage, get_model

    from msm.evals.preference.task import preference

    def reply(messages: list[object], *_: object) -> ModelOutput:
        said = answer(messages[-1].text)  # type: ignore[attr-defined]
        output = ModelOutput.from_content("mockllm/model", said)
        # With its usage given, the mock model counts no tokens, for which it would need a network.
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        return output

    model = get_model("mockllm/model", custom_outputs=reply, memoize=False)
    (log,) = inspect_eval(
        preference(folder=str(folder)),
        model=model,
        display="none",
        log_dir=str(folder / "logs"),
        fail_on_error=False,
    )
    return log, read_choices(Path(log.location))


def _metrics(log: EvalLog) -> dict[str, float]:
    assert log.results is not None
    return {score.name: score.metrics["mean"].value for score in log.results.scores}


def _first(question: str) -> str:
    return question.split("prefer, ")[1].split(" or ")[0]


def test_a_model_that_takes_the_first_splits_evenly(folder: Path) -> None:
    log, choices = _run(folder, _first)
    assert _metrics(log) == {"toward": 0.5, "first": 1.0, "read": 1.0}
    assert [row.score for row in choices.rows] == [0.5] * 6
    assert {group: (h.first, h.parse_rate) for group, h in choices.health.items()} == {
        ("calm", "own"): (1.0, 1.0),
        ("calm", "other"): (1.0, 1.0),
    }


def test_an_oracle_takes_the_side_of_the_value_in_both_orders(folder: Path) -> None:
    suite = read_preferences([folder / "calm.yaml"])
    side = {prompt.question: prompt.toward_option for prompt in preference_prompts(suite)}

    def oracle(question: str) -> str:
        return next(option for start, option in side.items() if question.startswith(start))

    log, choices = _run(folder, oracle)
    assert _metrics(log) == {"toward": 1.0, "first": 0.5, "read": 1.0}
    cluster = {item.id: item.cluster for item in suite.items}
    assert {row.id: row.cluster for row in choices.rows} == cluster
    assert [row.id for row in choices.rows] == sorted(cluster)
    assert {row.score for row in choices.rows} == {1.0}


def test_unread_and_failed_answers_count_for_neither_side(folder: Path) -> None:
    def sulk(question: str) -> str:
        if "Carl" in question:
            raise RuntimeError("the server is gone")
        return "I would rather not." if "siren or" in question else _first(question)

    log, choices = _run(folder, sulk)
    assert _metrics(log)["read"] == pytest.approx(5 / 6)
    assert _metrics(log)["first"] == 1.0
    own, other = choices.health["calm", "own"], choices.health["calm", "other"]
    assert (own.answers, own.read, own.failed, own.parse_rate) == (6, 5, 0, pytest.approx(5 / 6))
    assert (other.answers, other.failed, other.parse_rate, other.first) == (0, 6, None, None)
    scores = {row.id: row.score for row in choices.rows}
    assert scores["calm/travel/an-empty-beach/an-airport-hall/own"] == 0.5
    assert scores["calm/gifts/a-plain-candle/a-siren/own"] is None
    assert {row.score for row in choices.rows if row.frame == "other"} == {None}


def test_the_task_asks_for_known_values_alone(folder: Path) -> None:
    from msm.evals.preference.task import preference

    assert len(preference(values="neutral").dataset) >= 4 * 300
    with pytest.raises(UserError, match="did you mean 'calm'"):
        preference(values="calmn", folder=str(folder))
    with pytest.raises(UserError, match="no files of preference pairs"):
        preference(folder=str(folder / "none"))


def test_a_file_that_is_no_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_choices(tmp_path / "none.eval")
    path = tmp_path / "broken.eval"
    path.write_bytes(b"no zip")
    with pytest.raises(UserError, match="cannot be read"):
        read_choices(path)
