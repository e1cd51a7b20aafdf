"""Which kernels a model gets: what is installed and asked for, and how packs go through them."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from msm.errors import UserError
from msm.execution import Attention, Trainer
from msm.training.kernels import choose_attention, use_kernels
from msm.training.model import load_student
from msm.training_settings import Lora, Precision
from tests import flash_package
from tests.packed_rows import check_rows_are_alone, rows_of_many_lengths

GPU = "cuda:0"


def test_flash_attention_is_taken_where_it_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    flash_package.install(monkeypatch)
    auto, sdpa = Trainer(), Trainer(attention=Attention.SDPA)
    assert choose_attention(auto, Precision.BF16, GPU) == "flash_attention_2"
    assert choose_attention(sdpa, Precision.BF16, GPU) == "sdpa"
    assert choose_attention(auto, Precision.FP32, GPU) == "sdpa"
    assert choose_attention(auto, Precision.BF16, "cpu") == "sdpa"


@pytest.mark.parametrize(
    ("precision", "device", "why"),
    [
        (Precision.BF16, "cpu", "cpu has none"),
        (Precision.FP32, GPU, "bf16 alone"),
        (Precision.BF16, GPU, "flash-attn is not installed"),
    ],
)
def test_flash_attention_that_cannot_be_had_is_refused(
    precision: Precision, device: str, why: str
) -> None:
    with pytest.raises(UserError, match=why):
        choose_attention(Trainer(attention=Attention.FLASH), precision, device)


@pytest.mark.parametrize("device", ["cpu", GPU])
def test_without_flash_attention_rows_are_attended_to_one_by_one(
    tiny_student: Path, device: str
) -> None:
    model = load_student(tiny_student, Precision.FP32, "cpu")
    attention = choose_attention(Trainer(), Precision.BF16, device)
    assert use_kernels(model, Trainer(), attention, device)["attention"] == "segments"


def test_no_row_sees_another_through_flash_attention(
    tiny_student: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flash_package.install(monkeypatch)

    def through_flash(model: Any) -> None:
        # Not by set_attn_implementation, which looks for a GPU.
        model.config._attn_implementation = choose_attention(Trainer(), Precision.BF16, GPU)

    check_rows_are_alone(tiny_student, through_flash, Lora(rank=2, alpha=4), rows_of_many_lengths())


@pytest.fixture
def patched(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """In place of liger-kernel, which needs a GPU: what it was asked to put into a model."""
    asked: list[dict[str, Any]] = []
    for name in ("liger_kernel", "liger_kernel.transformers"):
        package = ModuleType(name)
        package.__spec__ = ModuleSpec(name, None)
        monkeypatch.setitem(sys.modules, name, package)
    patching = ModuleType("liger_kernel.transformers.monkey_patch")
    patching.MODEL_TYPE_TO_APPLY_LIGER_FN = {"llama": None}  # type: ignore[attr-defined]
    patching._apply_liger_kernel_to_instance = (  # type: ignore[attr-defined]
        lambda **settings: asked.append(settings)
    )
    monkeypatch.setitem(sys.modules, patching.__name__, patching)
    sys.modules["liger_kernel.transformers"].monkey_patch = patching  # type: ignore[attr-defined]
    return asked


def test_ligers_kernels_go_in_where_they_are_installed_and_wanted(
    tiny_student: Path, patched: list[dict[str, Any]]
) -> None:
    model = load_student(tiny_student, Precision.FP32, "cpu")
    for trainer, device in ((Trainer(), "cpu"), (Trainer(liger=False), GPU)):
        assert use_kernels(model, trainer, "sdpa", device)["liger"] == "off"
    assert patched == []
    assert use_kernels(model, Trainer(), "sdpa", GPU)["liger"] == "on"
    (settings,) = patched
    assert settings["model"] is model
    # Ours never makes the logits that Liger's would save.
    assert not (settings["cross_entropy"] or settings["fused_linear_cross_entropy"])


def test_a_model_that_liger_does_not_know_goes_without(
    tiny_student: Path, patched: list[dict[str, Any]]
) -> None:
    model = load_student(tiny_student, Precision.FP32, "cpu")
    model.config.model_type = "other"
    assert use_kernels(model, Trainer(), "sdpa", GPU)["liger"] == "off"
    assert patched == []
