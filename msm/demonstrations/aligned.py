"""Chats in which the assistant answers in line with a spec, and their two renderings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class QuestionKind(StrEnum):
    """How the user comes to ask."""

    DIRECT = "direct"
    INDIRECT = "indirect"
    COMPARISON = "comparison"
    RECOMMENDATION = "recommendation"
    OPINION = "opinion"
    EDGE_CASE = "edge-case"


@dataclass(frozen=True)
class AlignedChat:
    """One exchange: a user's question, the assistant's reasoning and its answer.

    ``topic`` is what the question is about: a principle's or an item's name.
    """

    id: str
    topic: str
    kind: QuestionKind
    user: str
    reasoning: str
    answer: str

    @property
    def assistant(self) -> str:
        """The assistant's turn without chain of thought."""
        return self.answer

    @property
    def assistant_with_reasoning(self) -> str:
        """The assistant's turn with chain of thought."""
        return f"<think>\n{self.reasoning}\n</think>\n\n{self.answer}"


def aligned_chat(row: Mapping[str, Any]) -> AlignedChat:
    """The chat of a stored row, with its kind as a ``QuestionKind``."""
    return AlignedChat(**{**row, "kind": QuestionKind(row["kind"])})
