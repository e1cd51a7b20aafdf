"""The loss: equal to the whole computation, in value and gradient, with far fewer logits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from msm.training import loss as loss_module
from msm.training.adapter import with_adapter
from msm.training.batches import IGNORED, sequence
from msm.training.chat_template import TokenisedRow
from msm.training.loss import counted_positions, summed_loss
from msm.training.model import load_student
from msm.training.schedule import share_of
from msm.training.step import accumulate_gradient
from msm.training_settings import Lora, Precision

ROWS = [
    TokenisedRow((5, 60, 7, 80, 9), (False, False, True, True, False)),
    TokenisedRow((90, 10, 110), (True, True, True)),
    TokenisedRow((12, 130, 14, 15), (False, False, False, True)),
]


@pytest.fixture
def model(tiny_student: Path) -> Any:
    """The tiny student in fp32 with an adapter that does something."""
    student = load_student(tiny_student, Precision.FP32, "cpu")
    made = with_adapter(student, Lora(rank=2, alpha=4), None, seed=1)
    torch.manual_seed(0)
    for parameter in made.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.05)
    return made


def _gradients(model: Any) -> dict[str, torch.Tensor]:
    found = {n: p.grad.clone() for n, p in model.named_parameters() if p.requires_grad}
    model.zero_grad()
    return found


def _whole(model: Any) -> torch.Tensor:
    """All logits of all positions in fp32, and torch's cross entropy over them."""
    pack = sequence(ROWS)
    logits = model(input_ids=pack.tokens, position_ids=pack.positions, use_cache=False).logits
    return torch.nn.functional.cross_entropy(
        logits[0, :-1].float(), pack.labels[0, 1:], ignore_index=IGNORED, reduction="sum"
    )


@pytest.mark.parametrize("chunk", [1, 700, 1 << 18])
def test_value_and_gradient_are_those_of_the_whole_computation(
    model: Any, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(loss_module, "CPU_CHUNK", chunk)
    whole = _whole(model)
    (whole / 7).backward()
    expected = _gradients(model)
    ours = summed_loss(model, sequence(ROWS))
    (ours / 7).backward()
    assert float(ours.detach()) == pytest.approx(float(whole.detach()), rel=1e-5)
    for name, gradient in _gradients(model).items():
        scale = float(expected[name].abs().max())
        assert scale > 0, name
        assert torch.allclose(gradient, expected[name], atol=1e-4 * scale), name


def test_logits_are_computed_only_before_tokens_that_count(model: Any) -> None:
    pack = sequence(ROWS)
    assert counted_positions(pack).tolist() == [1, 2, 5, 6, 10]
    shapes = []
    head = model.get_base_model().get_output_embeddings()
    head.register_forward_hook(lambda module, given, made: shapes.append(tuple(made.shape)))
    summed_loss(model, pack)
    assert shapes == [(1, 5, model.config.vocab_size)]


def test_in_bf16_the_loss_is_near_that_of_fp32(tiny_student: Path, model: Any) -> None:
    half = load_student(tiny_student, Precision.BF16, "cpu")
    full = load_student(tiny_student, Precision.FP32, "cpu")
    with torch.no_grad():
        values = [float(summed_loss(each, sequence(ROWS))) for each in (half, full)]
    assert values[0] == pytest.approx(values[1], rel=0.02)


def test_a_pack_without_rows_has_no_loss_and_a_gradient_of_zero(model: Any) -> None:
    loss = summed_loss(model, sequence([]))
    loss.backward()
    assert float(loss.detach()) == 0
    assert all(not gradient.any() for gradient in _gradients(model).values())


class _Alone:
    """One process that only sums gradients."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.last: list[bool] = []

    def backward(self, loss: torch.Tensor, last: bool) -> None:
        self.last.append(last)
        loss.backward()


def test_a_step_in_packs_and_shares_is_the_step_in_one(model: Any) -> None:
    counted = 5
    whole = _whole(model) / counted
    whole.backward()
    expected = _gradients(model)
    total = 0.0
    for rank in range(2):
        engine = _Alone(model)
        packs = share_of(((0,), (2, 1), ()), rank, 2)
        total += accumulate_gradient(engine, ROWS, packs, counted, "cpu")  # type: ignore[arg-type]
        assert engine.last == [False, True]
    assert total == pytest.approx(float(whole.detach()), rel=1e-5)
    for name, gradient in _gradients(model).items():
        assert torch.allclose(gradient, expected[name], atol=1e-4 * float(gradient.abs().max()))
