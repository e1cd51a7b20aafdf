"""What a person reads who asks for vLLM where there is none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from msm.errors import UserError
from msm.evals.subject import Weights
from msm.evals.vllm_server import VARIABLE
from msm.execution import Execution, Provider, Serving
from msm.training_settings import Precision


def _ask(student: Path, out: Path) -> None:
    execution = Execution(student=Serving(provider=Provider.VLLM))
    Weights(student, None, Precision.FP32, 1, execution, out).answering(0.0)


def test_no_interpreter_is_named(
    tiny_student: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(UserError, match=f"{VARIABLE} names no interpreter.*base_url"):
        _ask(tiny_student, tmp_path)


def test_what_is_named_is_no_program(
    tiny_student: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "python"))
    with pytest.raises(UserError, match="python is no program"):
        _ask(tiny_student, tmp_path)


def test_the_interpreter_has_no_vllm(
    tiny_student: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, sys.executable)
    with pytest.raises(UserError, match=r"vLLM did not start: .*No module named 'vllm'.*vllm\.log"):
        _ask(tiny_student, tmp_path)
