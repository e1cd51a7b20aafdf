"""Rows of a pack, and the same rows by themselves."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from msm.training.adapter import with_adapter
from msm.training.attention import attention_arguments, shared_tokens
from msm.training.batches import sequence
from msm.training.chat_template import TokenisedRow
from msm.training.loss import summed_loss
from msm.training.model import load_student
from msm.training_settings import Lora, Precision


def rows_of_many_lengths() -> list[TokenisedRow]:
    """Rows all of whose tokens count."""
    chance = random.Random(0)
    return [
        TokenisedRow(tuple(_tokens(chance, length)), (True,) * length)
        for length in (7, 1, 19, 2, 12)
    ]


def rows_of_one_prompt() -> list[TokenisedRow]:
    """Rows that begin with the same nine tokens; then one for each that does not count."""
    chance = random.Random(1)
    prompt = _tokens(chance, 9)
    return [
        TokenisedRow(
            (*prompt, 3 + number, *_tokens(chance, length)), (False,) * 10 + (True,) * length
        )
        for number, length in enumerate((7, 0, 19, 1))
    ]


def check_rows_are_alone(
    folder: Path, attention: Callable[[Any], None], lora: Lora, rows: list[TokenisedRow]
) -> None:
    """Logits and gradients of packed rows are those of the rows by themselves."""
    student = load_student(folder, Precision.FP32, "cpu")
    attention(student)
    model = with_adapter(student, lora, None, seed=1)
    for parameter in model.parameters():  # an adapter's fresh B is zero, and so A's gradient
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.05)
    shared = shared_tokens(model, rows, "cpu")
    packed = sequence(rows, shared=shared)
    arguments = attention_arguments(model, packed)
    with torch.no_grad():
        together = model(
            input_ids=packed.tokens, position_ids=packed.positions, use_cache=False, **arguments
        ).logits[0]
        alone = [model(input_ids=torch.tensor([row.tokens]), use_cache=False) for row in rows]
    apart = torch.cat(
        [alone[0].logits[0, :shared], *(output.logits[0, shared:] for output in alone)]
    )
    assert torch.allclose(together, apart, atol=1e-3 * float(apart.abs().max()))
    summed_loss(model, packed, **arguments).backward()
    gradients = _gradients(model)
    for row in rows:
        if len(row.tokens) > 1:
            single = sequence([row])
            summed_loss(model, single, **attention_arguments(model, single)).backward()
    for name, gradient in _gradients(model).items():
        scale = float(gradients[name].abs().max())
        assert scale > 0, name
        assert torch.allclose(gradient, gradients[name], atol=1e-3 * scale), name


def _tokens(chance: random.Random, length: int) -> list[int]:
    return [chance.randrange(30, 250) for _ in range(length)]


def _gradients(model: Any) -> dict[str, torch.Tensor]:
    found = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    return found
