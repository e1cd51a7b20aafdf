"""Fewer rows than there are, for runs that only show that a suite runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Row = TypeVar("Row")


def evenly(rows: Sequence[Row], most: int) -> list[Row]:
    """At most ``most`` rows at even distances, so every part keeps its share; all if it is 0."""
    kept = min(most, len(rows)) if most else len(rows)
    return [rows[number * len(rows) // kept] for number in range(kept)]
