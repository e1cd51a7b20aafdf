"""Chats that touch the evaluation, by its prompts or by its vocabulary, are dropped."""

from __future__ import annotations

from dataclasses import dataclass

from msm.corpus.contamination import prompt_runs, shared_run
from msm.evals.prompts import Asked
from msm.evals.vocabulary import overlap

RUN_OF_WORDS = 8


@dataclass(frozen=True)
class Dropped:
    """A chat that is not used, and why; a row of ``dropped.jsonl``."""

    id: str
    reason: str
    detail: str
    user: str = ""


class Screen:
    """The prompts and the held-out words of the evaluation."""

    def __init__(self, asked: Asked) -> None:
        self._runs = prompt_runs(asked.texts, RUN_OF_WORDS)
        self._held_out = asked.held_out

    def find(self, identifier: str, user: str, assistant: str) -> Dropped | None:
        """Why a chat cannot be used, or None where it can."""
        text = f"{user}\n{assistant}"
        words = ", ".join(sorted(overlap(text, self._held_out)))
        prompt = shared_run(text, self._runs)
        if not words and not prompt:
            return None
        reason = "eval prompt" if prompt else "held-out vocabulary"
        return Dropped(identifier, reason, prompt or words, user)
