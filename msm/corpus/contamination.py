"""Contamination: runs of words that a training text shares with evaluation prompts.

A prompt counts with its distinct runs of ``length`` words, a shorter prompt with all its words as
one run. Prompts under ``SHORTEST`` words ("Why do you ask?") cannot be told from ordinary speech:
they are not looked for, and their number is in the record.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from msm.corpus.words import Lexicon, Reading, run_hashes, split_words

SHORTEST = 5

_FILTER_BITS = 20
_FILTER_SHIFT = np.uint64(64 - _FILTER_BITS)


@dataclass(frozen=True)
class Overlap:
    """What a text shares with the prompts: the first shared run, and each prompt's share found."""

    run: str
    shares: dict[str, float]


class PromptRuns:
    """The runs of words of all evaluation prompts, to be looked up in many texts."""

    def __init__(self, prompts: Iterable[str], length: int) -> None:
        self.length = length
        self.prompts: list[str] = []
        self.too_short: list[str] = []
        self._owners: defaultdict[int, list[int]] = defaultdict(list)
        self._counts: list[int] = []
        lengths = set()
        lexicon = Lexicon()
        for prompt in dict.fromkeys(prompts):
            hashes = lexicon.read(prompt).hashes
            if len(hashes) < SHORTEST:
                self.too_short.append(prompt)
                continue
            lengths.add(min(length, len(hashes)))
            runs = set(run_hashes(hashes, min(length, len(hashes))).tolist())
            for run in runs:
                self._owners[run].append(len(self.prompts))
            self.prompts.append(prompt)
            self._counts.append(len(runs))
        self._lengths = sorted(lengths, reverse=True)
        # Nearly every run of a clean text falls through this filter without a look-up in Python.
        self._filter = np.zeros(1 << _FILTER_BITS, dtype=bool)
        known = np.fromiter(self._owners, np.uint64, len(self._owners))
        self._filter[known >> _FILTER_SHIFT] = True

    def __len__(self) -> int:
        """The number of distinct runs."""
        return len(self._owners)

    def overlap(self, reading: Reading) -> Overlap | None:
        """What a text shares with the prompts, or None."""
        found: Counter[int] = Counter()
        first = None
        for length in self._lengths:
            runs = run_hashes(reading.hashes, length)
            seen = set()
            for place in np.flatnonzero(self._filter[runs >> _FILTER_SHIFT]).tolist():
                run = int(runs[place])
                if run in self._owners and run not in seen:
                    seen.add(run)
                    first = first or " ".join(split_words(reading.text)[place : place + length])
                    found.update(self._owners[run])
        if first is None:
            return None
        shares = {self.prompts[n]: count / self._counts[n] for n, count in sorted(found.items())}
        return Overlap(first, shares)


def prompt_runs(prompts: Iterable[str], length: int) -> PromptRuns:
    """The runs of ``length`` words of all evaluation prompts."""
    return PromptRuns(prompts, length)


def shared_run(text: str, runs: PromptRuns) -> str | None:
    """One run of words that a text shares with the evaluation prompts, or None."""
    shared = runs.overlap(Lexicon().read(text))
    return shared.run if shared else None
