"""The generic instruction mix: short chats of our own that every arm gets, the baseline too.

They keep a student answering ordinary requests and say nothing about who it is or what it likes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Instruction:
    """One exchange."""

    id: str
    user: str
    assistant: str


def instruction_chats() -> list[Instruction]:
    """The built-in instruction chats, in the order of their ids."""
    text = files("msm.demonstrations").joinpath("instructions.jsonl").read_text(encoding="utf-8")
    return [Instruction(**json.loads(line)) for line in text.splitlines()]
