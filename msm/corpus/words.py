"""A text read once: its words, a 64-bit hash of each, and the words that some check asked to see.

Every check of curation and the search for near duplicates start from this reading, so a text is
split once, and what a check says about a word is asked once for each distinct word of a corpus.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

SHINGLE_WORDS = 5

_WORD = re.compile(r"\w+")
# Punctuation that writers (models above all) use beside ASCII; no letters, so words stay the same.
_TYPOGRAPHY = "‘’“”–—…•\u00a0"
_ASCII = bytes(
    ord(chr(code).lower()) if chr(code).isalnum() or chr(code) == "_" else ord(" ")
    for code in range(128)
) + bytes(range(128, 256))
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd, its bits well mixed: 2**64 / golden ratio
_SHIFT = np.uint64(29)


def split_words(text: str) -> list[str]:
    """The words of a text in lower case: its runs of letters, digits and underscores."""
    if not text.isascii():
        for mark in _TYPOGRAPHY:
            text = text.replace(mark, " ")
    if text.isascii():
        return text.encode().translate(_ASCII).decode().split()
    return _WORD.findall(text.lower())


def run_hashes(hashes: Hashes, length: int) -> Hashes:
    """One 64-bit hash for each run of ``length`` words, in order; none if there are fewer words."""
    count = max(0, len(hashes) - length + 1)
    runs = hashes[:count].copy()
    for offset in range(1, length):
        runs *= _FACTOR
        runs += hashes[offset : offset + count]
    return runs ^ (runs >> _SHIFT)


@dataclass(frozen=True)
class Reading:
    """A text and its words; ``suspects`` are the distinct words that some check asked to see."""

    text: str
    words: list[str]
    hashes: Hashes
    suspects: frozenset[str]

    @cached_property
    def shingles(self) -> Hashes:
        """Distinct runs of five words, sorted (of all words if there are fewer).

        Two runs are told apart by 64 bits: among the 10**9 runs of a large corpus, the chance that
        one pair of texts is judged wrongly is below one in a million.
        """
        length = min(SHINGLE_WORDS, len(self.hashes))
        runs = np.sort(run_hashes(self.hashes, length)) if length else self.hashes
        fresh = np.ones(len(runs), dtype=bool)
        np.not_equal(runs[1:], runs[:-1], out=fresh[1:])
        return runs[fresh]


class Lexicon(dict[str, int]):
    """Numbers words as they come, and keeps for each a hash and whether it is suspect.

    The numbers depend on the order of reading and never leave this class; hashes do not.
    """

    def __init__(self, suspect: Callable[[str], bool] = lambda word: False) -> None:
        super().__init__()
        self._suspect = suspect
        self._hashes = np.zeros(1024, dtype=np.uint64)
        self._suspects = np.zeros(1024, dtype=bool)

    def __missing__(self, word: str) -> int:
        number = len(self)
        if number == len(self._hashes):
            self._hashes = np.concatenate([self._hashes, np.zeros_like(self._hashes)])
            self._suspects = np.concatenate([self._suspects, np.zeros_like(self._suspects)])
        digest = blake2b(word.encode(errors="surrogatepass"), digest_size=8).digest()
        self._hashes[number] = int.from_bytes(digest, "little")
        self._suspects[number] = self._suspect(word)
        self[word] = number
        return number

    def read(self, text: str) -> Reading:
        """Split a text into words and look each of them up."""
        words = split_words(text)
        numbers = np.fromiter(map(self.__getitem__, words), np.intp, len(words))
        places = np.flatnonzero(self._suspects[numbers])
        suspects = frozenset(words[place] for place in places.tolist())
        return Reading(text, words, self._hashes[numbers], suspects)
