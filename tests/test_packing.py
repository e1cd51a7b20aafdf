"""Packing: nothing cut, nothing dropped, packs of near equal length, and the fewest of them."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msm.training.packing import fewest_packs, fill, longest_pack, pack

LENGTHS = st.lists(st.integers(1, 100), min_size=1, max_size=60)


@given(LENGTHS, st.integers(1, 20), st.integers(50, 400))
def test_packs_hold_every_row_once_and_never_more_than_their_capacity(
    lengths: list[int], packs: int, capacity: int
) -> None:
    packed = pack(lengths, packs, capacity)
    if packed is None:
        assert sum(lengths) > packs * capacity / 2 or max(lengths) > capacity
        return
    assert len(packed) == packs
    assert sorted(row for members in packed for row in members) == list(range(len(lengths)))
    assert longest_pack(lengths, packed) <= capacity
    assert sum(not members for members in packed) == max(0, packs - len(lengths))


@given(LENGTHS, st.integers(1, 8))
def test_as_few_packs_as_best_fit_finds_room_in(lengths: list[int], multiple: int) -> None:
    packed = fewest_packs(lengths, 100, multiple)
    assert len(packed) % multiple == 0
    # best-fit-decreasing takes at most 11/9 of the least number, and a pack more
    least = -(-sum(lengths) // 100)
    by_pairs = sum(length > 50 for length in lengths)  # no two of these share a pack
    assert len(packed) <= max(2 * least, by_pairs) + multiple


def test_rows_that_halve_and_fit_exactly_are_packed_exactly() -> None:
    packed = pack([6, 4, 7, 3, 5, 5], 3, 10)
    assert packed is not None
    assert sorted(sorted(members) for members in packed) == [[0, 1], [2, 3], [4, 5]]


def test_best_fit_finds_room_where_the_least_full_pack_has_none() -> None:
    # least full first: 3+3 | 3 … and the two of 2 end up beside 3+2; best fit: 3+3 | 2+2+2
    packed = pack([3, 3, 2, 2, 2], 2, 6)
    assert packed is not None
    assert longest_pack([3, 3, 2, 2, 2], packed) == 6


def test_rows_that_cannot_fit_are_not_packed() -> None:
    assert pack([6, 6, 6], 2, 10) is None
    with pytest.raises(ValueError, match="a row of 11 tokens"):
        fewest_packs([11], 10, 1)


@pytest.mark.parametrize(
    ("lengths", "capacity", "multiple"),
    [
        ([random.Random(n).randint(1_000, 6_000) for n in range(2_000)], 8_192, 63),
        ([random.Random(n).randint(3_000, 4_500) for n in range(2_000)], 8_192, 63),
        ([20 + random.Random(n).randint(0, 400) for n in range(8_000)], 4_096, 250),
        ([80 + random.Random(n).randint(0, 80) for n in range(160)], 512, 20),
    ],
    ids=["documents", "hardly two a pack", "chats", "the embedded experiment"],
)
def test_packs_are_full(lengths: list[int], capacity: int, multiple: int) -> None:
    packed = fewest_packs(lengths, capacity, multiple)
    assert fill(lengths, packed) >= 0.98
    assert packed == fewest_packs(lengths, capacity, multiple)
