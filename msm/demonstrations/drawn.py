"""Sets of chats drawn by lot from sets that are there: a part of one, or a mix of two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msm.errors import UserError
from msm.identity import seed_from

Row = Mapping[str, Any]
REPLACEMENT = "replacement-"  # before the id of a row that took another's place: ids stay distinct


def subset(rows: Sequence[Row], count: int, seed: int) -> list[Row]:
    """``count`` of the rows, in their order. A smaller subset is part of every larger one.

    Raises:
        UserError: there are fewer rows.
    """
    if count > len(rows):
        raise UserError(
            f"a subset of {count:,} chats was asked for, and the set it is taken from has "
            f"{len(rows):,}; ask for fewer, or make that set larger"
        )
    chosen = set(_by_lot(rows, "subset", seed)[:count])
    return [row for place, row in enumerate(rows) if place in chosen]


def mixed(rows: Sequence[Row], other: Sequence[Row], share: float, seed: int) -> list[Row]:
    """The rows, a ``share`` of them replaced, place by place, by rows of ``other``.

    What a smaller share replaces, a larger one replaces by the same.

    Raises:
        UserError: ``other`` has too few rows.
    """
    count = round(share * len(rows))
    if count > len(other):
        raise UserError(
            f"{count:,} of {len(rows):,} rows are to be replaced, and the other set has only "
            f"{len(other):,}; lower the share, or make that set larger"
        )
    places = _by_lot(rows, "replaced", seed)[:count]
    found = list(rows)
    for place, source in zip(places, _by_lot(other, "replacement", seed), strict=False):
        row = other[source]
        found[place] = {**row, "id": f"{REPLACEMENT}{row['id']}"}
    return found


def _by_lot(rows: Sequence[Row], purpose: str, seed: int) -> list[int]:
    """The places of the rows in an order that depends on their ids, the purpose and the seed."""
    return sorted(
        range(len(rows)), key=lambda place: (seed_from(purpose, seed, rows[place]["id"]), place)
    )
