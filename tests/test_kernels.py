"""Which kernels a model gets: what is installed and asked for, and how packs go through them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from msm.errors import UserError
from msm.execution import Attention, Trainer
from msm.training.kernels import choose_attention, use_kernels
from msm.training.model import load_student
from msm.training_settings import Lora, Precision
from tests import flash_package
from tests.packed_rows import check_rows_are_alone

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

    check_rows_are_alone(tiny_student, through_flash, Lora(rank=2, alpha=4))
