"""The plan of a run: every row once an epoch, the same for a seed, whatever the processes."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msm.errors import UserError
from msm.training.packing import fill
from msm.training.schedule import Step, plan_steps, share_of
from msm.training_settings import Optimisation

LENGTHS = st.lists(st.integers(1, 64), min_size=1, max_size=80)


def _settings(epochs: int = 1, batch: int = 8, maximum: int = 64, packs: int = 0) -> Optimisation:
    return Optimisation(epochs=epochs, batch_size=batch, maximum_length=maximum, packs=packs)


def _rows(steps: list[Step]) -> list[int]:
    return [row for step in steps for pack in step for row in pack]


@given(LENGTHS, st.integers(1, 3), st.integers(1, 12), st.integers(0, 5))
def test_every_row_is_seen_once_an_epoch_in_steps_of_as_many_packs(
    lengths: list[int], epochs: int, batch: int, seed: int
) -> None:
    plan = plan_steps(lengths, _settings(epochs, batch), seed)
    steps = math.ceil(len(lengths) / batch)
    assert len(plan) == steps * epochs
    for epoch in range(epochs):
        assert sorted(_rows(plan[epoch * steps : (epoch + 1) * steps])) == list(range(len(lengths)))
    assert len({len(step) for step in plan}) == 1
    assert all(any(pack for pack in step) for step in plan)
    assert max(sum(lengths[row] for row in pack) for step in plan for pack in step) <= 64
    assert plan == plan_steps(lengths, _settings(epochs, batch), seed)


@given(LENGTHS, st.integers(8, 12), st.integers(1, 8))
def test_a_given_number_of_packs_leaves_no_step_without_a_row(
    lengths: list[int], packs: int, batch: int
) -> None:
    plan = plan_steps(lengths, _settings(batch=batch, packs=packs), 0)
    assert {len(step) for step in plan} == {packs}
    assert all(any(pack for pack in step) for step in plan)
    assert sorted(_rows(plan)) == list(range(len(lengths)))


def test_another_seed_and_another_epoch_have_another_order() -> None:
    lengths = [10 + (7 * n) % 21 for n in range(40)]
    first, second = plan_steps(lengths, _settings(), 0), plan_steps(lengths, _settings(), 1)
    assert first != second
    both = plan_steps(lengths, _settings(epochs=2), 0)
    assert both[:5] == first
    assert both[5:] != first


def test_rows_of_one_length_trade_places() -> None:
    together = {
        frozenset(pack)
        for seed in range(20)
        for step in plan_steps([16] * 16, _settings(), seed)
        for pack in step
    }
    assert len(together) > 20


def test_neither_length_nor_place_in_the_corpus_tells_when_a_row_is_seen() -> None:
    lengths = [random.Random(n).randint(5, 64) for n in range(2_000)]
    plan = plan_steps(lengths, _settings(), 3)
    seen = {row: number for number, step in enumerate(plan) for row in _rows([step])}
    when = [seen[row] for row in range(len(lengths))]
    assert abs(_correlation(when, lengths)) < 0.1
    assert abs(_correlation(when, list(range(len(lengths))))) < 0.1


def test_steps_of_a_large_corpus_are_full() -> None:
    lengths = [random.Random(n).randint(1_000, 6_000) for n in range(3_000)]
    plan = plan_steps(lengths, _settings(batch=32, maximum=8_192), 0)
    assert fill(lengths, [pack for step in plan for pack in step]) >= 0.98


@given(st.integers(1, 12), st.integers(1, 8))
def test_processes_share_a_step_and_compute_as_many_packs_each(packs: int, processes: int) -> None:
    step = tuple((number,) for number in range(packs))
    shares = [share_of(step, rank, processes) for rank in range(processes)]
    assert len({len(share) for share in shares}) == 1
    assert sorted(pack for share in shares for pack in share if pack) == sorted(step)


def test_a_row_that_is_too_long_is_refused_with_its_length() -> None:
    with pytest.raises(UserError, match="a row has 65 tokens, more than maximum_length 64"):
        plan_steps([3, 65], _settings(), 0)


def test_too_few_packs_are_refused() -> None:
    with pytest.raises(UserError, match=r"packs 1 .* 240 tokens on average; raise packs"):
        plan_steps([60] * 8, _settings(batch=4, packs=1), 0)


def _correlation(left: list[int], right: list[int]) -> float:
    mean = [sum(values) / len(values) for values in (left, right)]
    apart = [[v - m for v in values] for values, m in zip((left, right), mean, strict=True)]
    dot = sum(a * b for a, b in zip(*apart, strict=True))
    return dot / math.sqrt(math.prod(sum(v * v for v in values) for values in apart))


def test_the_order_within_a_pack_is_not_that_of_length() -> None:
    lengths = [5 + n % 40 for n in range(200)]
    pairs = [
        (lengths[a], lengths[b])
        for step in plan_steps(lengths, _settings(maximum=256), 0)
        for pack in step
        for a, b in pairwise(pack)
    ]
    falling = sum(a > b for a, b in pairs) / len(pairs)
    assert 0.3 < falling < 0.7
