"""Laying rows of many lengths into sequences of near equal length, with none cut and none dropped.

The classical pieces of bin packing: best-fit-decreasing, and the least capacity at which it still
fits found by bisection (MULTIFIT; Coffman, Garey and Johnson, 1978). Numbers of rows are positions
in the list of lengths; nothing here is random.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Sequence

CLOSENESS = 500  # bisection ends when the longest pack could shrink by less than a 500th


def pack(lengths: Sequence[int], packs: int, capacity: int) -> list[list[int]] | None:
    """Divide rows among exactly so many packs, the longest as short as the search finds.

    Lengths and capacity are in tokens; a length is at least 1. Packs may be empty only where there
    are fewer rows than packs. Returns the row numbers of each pack, or None where the rows do not
    fit into packs of this capacity.

    Raises:
        ValueError: there is no pack to put rows into.
    """
    if packs < 1:
        raise ValueError("rows need at least one pack")
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    if not order:
        return [[] for _ in range(packs)]
    low = max(lengths[order[0]], -(-sum(lengths) // packs))  # no packing can be shorter
    if low > capacity:
        return None
    best = _least_full(lengths, order, packs)
    high = longest_pack(lengths, best)
    if high > capacity:
        fitted = _best_fit(lengths, order, packs, capacity)
        if fitted is None:
            return None
        best, high = fitted, longest_pack(lengths, fitted)
    while (high - low) * CLOSENESS > high:
        middle = (low + high) // 2
        found = _best_fit(lengths, order, packs, middle)
        if found is None:
            low = middle + 1
        else:
            best, high = found, longest_pack(lengths, found)
    return _without_empty(best)


def fewest_packs(lengths: Sequence[int], capacity: int, multiple: int) -> list[list[int]]:
    """Pack into as few packs as the capacity allows, their number a multiple of ``multiple``.

    Raises:
        ValueError: a row is longer than the capacity.
    """
    if max(lengths, default=0) > capacity:
        raise ValueError(f"a row of {max(lengths)} tokens is longer than a pack of {capacity}")
    packs = max(multiple, -(-sum(lengths) // (capacity * multiple)) * multiple)
    while (found := pack(lengths, packs, capacity)) is None:
        packs += multiple
    return found


def longest_pack(lengths: Sequence[int], packs: Sequence[Sequence[int]]) -> int:
    """Tokens of the longest pack."""
    return max(sum(lengths[row] for row in members) for members in packs)


def fill(lengths: Sequence[int], packs: Sequence[Sequence[int]]) -> float:
    """Tokens as a share of what the packs would hold if all were as long as the longest."""
    tokens = sum(lengths[row] for members in packs for row in members)
    return tokens / (len(packs) * longest_pack(lengths, packs))


def _least_full(lengths: Sequence[int], order: Sequence[int], packs: int) -> list[list[int]]:
    """Each row, longest first, into the pack that is least full: even, whatever the capacity."""
    made: list[list[int]] = [[] for _ in range(packs)]
    heap = [(0, number) for number in range(packs)]
    for row in order:
        filled, number = heap[0]
        made[number].append(row)
        heapq.heapreplace(heap, (filled + lengths[row], number))
    return made


def _best_fit(
    lengths: Sequence[int], order: Sequence[int], packs: int, capacity: int
) -> list[list[int]] | None:
    """Each row, longest first, into the fullest pack that still has room for it."""
    made: list[list[int]] = []
    room: list[tuple[int, int]] = []  # of the packs opened so far, sorted: (tokens left, number)
    for row in order:
        length = lengths[row]
        at = bisect_left(room, (length, -1))
        if at < len(room):
            left, number = room.pop(at)
            made[number].append(row)
        elif len(made) < packs:
            left, number = capacity, len(made)
            made.append([row])
        else:
            return None
        if left > length:
            insort(room, (left - length, number))
    return made + [[] for _ in range(packs - len(made))]


def _without_empty(packs: list[list[int]]) -> list[list[int]]:
    """Give every empty pack a row of the pack that has most, as long as one has two."""
    for empty in [members for members in packs if not members]:
        fullest = max(packs, key=len)
        if len(fullest) > 1:
            empty.append(fullest.pop())
    return packs
