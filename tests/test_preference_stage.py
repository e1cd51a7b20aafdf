"""The preference suite as a stage of a recipe: by answers and by log-probability."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from msm.configs import SuiteConfig
from msm.errors import UserError
from msm.evals.found import Found, means, write_found
from msm.evals.preference.stage import run_preference
from msm.evals.subject import Subject, Weights
from msm.execution import Execution
from msm.suites import PreferenceSuite, Scoring, SuiteName
from msm.training_settings import Precision
from tests.mock_models import mock_model

if TYPE_CHECKING:
    from inspect_ai.model import Model


@dataclass(frozen=True)
class Talker:
    """A model that takes what the question names first, whose weights nobody has."""

    def loaded(self) -> tuple[Any, Any]:
        raise UserError("only its server has the weights")

    def answering(self, temperature: float) -> Model:
        assert temperature == 0
        return mock_model("talker", lambda n, message: "The first.")[0]


def _run(subject: Subject, out: Path, **settings: Any) -> Found:
    suite = PreferenceSuite(**settings)
    config = SuiteConfig(
        suite=SuiteName.PREFERENCE,
        version=1,
        settings=suite,
        assistant="Olmo",
        provider="Ai2",
        precision=Precision.FP32,
        batch_size=32,
        seed=1,
    )
    return run_preference(config, suite, subject, out, Execution())


def test_weights_are_scored_by_log_probability(tiny_student: Path, tmp_path: Path) -> None:
    subject = Weights(tiny_student, None, Precision.FP32, 1, Execution(), tmp_path)
    found = _run(subject, tmp_path, values=("neutral",), scoring=Scoring.LOG_PROBABILITIES)
    write_found(found, SuiteName.PREFERENCE, {}, tmp_path)
    assert [measure.name for measure in found.measures] == [
        "neutral",
        "neutral (other)",
        "neutral (nats)",
        "neutral (other, nats)",
        "first",
    ]
    assert means(found)["neutral"]["of"] >= 300
    # Random weights prefer nothing, and the sides of the control were drawn by a coin.
    assert 0.4 < means(found)["neutral"]["mean"] < 0.6


def test_log_probabilities_need_the_weights(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="weights"):
        _run(Talker(), tmp_path, values=("neutral",), scoring=Scoring.LOG_PROBABILITIES)


def test_an_unknown_value_is_refused(tmp_path: Path) -> None:
    for scoring in Scoring:
        with pytest.raises(UserError, match="did you mean 'neutral'"):
            _run(Talker(), tmp_path, values=("neutrl",), scoring=scoring)


@pytest.mark.slow
def test_answers_are_sampled_and_read(tmp_path: Path) -> None:
    found = _run(Talker(), tmp_path, values=("america",))
    write_found(found, SuiteName.PREFERENCE, {}, tmp_path)
    figures = {name: figure["mean"] for name, figure in means(found).items()}
    assert figures == {"america": 0.5, "america (other)": 0.5, "parsed": 1.0, "first": 1.0}
