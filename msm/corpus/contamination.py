"""Contamination: evaluation prompts, or their vocabulary, in training text."""

from __future__ import annotations

import re
from collections.abc import Iterable


def word_runs(text: str, length: int) -> set[tuple[str, ...]]:
    """All runs of ``length`` words of a text, in lower case and without punctuation."""
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}


def prompt_runs(prompts: Iterable[str], length: int) -> frozenset[tuple[str, ...]]:
    """The word runs of all evaluation prompts."""
    runs: set[tuple[str, ...]] = set()
    for prompt in prompts:
        runs |= word_runs(prompt, length)
    return frozenset(runs)


def shared_run(text: str, runs: frozenset[tuple[str, ...]], length: int) -> str | None:
    """One run of words that a text shares with the evaluation prompts, or None."""
    shared = word_runs(text, length) & runs
    return " ".join(min(shared)) if shared else None
