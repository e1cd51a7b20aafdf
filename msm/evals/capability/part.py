"""The parts of the capability suite, a problem of any part, and what marking it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from msm.errors import UserError, nearest


class Part(StrEnum):
    """What a problem asks of the model."""

    ARITHMETIC = "arithmetic"
    READING = "reading"
    INSTRUCTIONS = "instructions"
    TOOL_CALLS = "tool_calls"


@dataclass(frozen=True)
class Problem:
    """One problem. ``expected`` is what marking needs, as plain JSON values.

    ``id`` begins with the part; problems of one ``cluster`` are not independent of each other.
    """

    id: str
    part: Part
    cluster: str
    prompt: str
    expected: Mapping[str, Any]


@dataclass(frozen=True)
class Marking:
    """Whether an answer is right; None where it could not be read, with the reason in ``why``.

    ``checks`` are the single things that were looked at, by name.
    """

    right: bool | None
    why: str = ""
    checks: Mapping[str, bool] = field(default_factory=dict)


def read_parts(names: str | Sequence[str]) -> list[Part]:
    """Parts from a list of names, or from one text with commas; none of them means all.

    Raises:
        UserError: a name is unknown.
    """
    listed = names.split(",") if isinstance(names, str) else names
    asked = list(dict.fromkeys(name.strip() for name in listed if name.strip()))
    known = [part.value for part in Part]
    for name in asked:
        if name not in known:
            raise UserError(f"capability: unknown part {name!r}{nearest(name, known)}")
    return [Part(name) for name in asked] or list(Part)
