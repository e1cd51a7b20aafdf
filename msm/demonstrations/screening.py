"""Chats that touch the evaluation, by its prompts or by its vocabulary, are dropped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from msm.corpus.contamination import prompt_runs, shared_run
from msm.evals.items import eval_texts, held_out_words, read_suite
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
    """The prompts and the held-out words of one suite."""

    def __init__(self, suite: Path) -> None:
        """Read the suite.

        Raises:
            UserError: it is missing or malformed.
        """
        read = read_suite(suite)
        self._runs = prompt_runs(eval_texts(read), RUN_OF_WORDS)
        self._held_out = held_out_words(read)

    def find(self, identifier: str, user: str, assistant: str) -> Dropped | None:
        """Why a chat cannot be used, or None where it can."""
        text = f"{user}\n{assistant}"
        words = ", ".join(sorted(overlap(text, self._held_out)))
        prompt = shared_run(text, self._runs)
        if not words and not prompt:
            return None
        reason = "eval prompt" if prompt else "held-out vocabulary"
        return Dropped(identifier, reason, prompt or words, user)
