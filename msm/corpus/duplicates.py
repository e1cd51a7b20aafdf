"""Near duplicates among documents; of a group of duplicates the first is kept.

Two texts are near duplicates when the exact Jaccard similarity of their 5-word shingles reaches
the threshold. MinHash sketches only say which pairs are worth comparing, so no document is
dropped by chance; the bands are chosen so that a pair at the threshold is missed once in a
million times at most.

The sketches come from rensa, in Rust: it takes shingles that are hashed already, and sketches a
document of 3,000 tokens in about 20 microseconds. datasketch, the usual choice, takes milliseconds
for the same (``benchmarks/near_duplicates.py`` measures both and compares the kept sets). Its own
LSH index is not used: rensa's wants a Python object for each sketch, while here the buckets of all
documents come from one sort a band.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from msm.corpus.words import Hashes, Lexicon

Sketches = NDArray[np.uint32]

PERMUTATIONS = 128
SEED = 1
MISSED = 1e-6  # highest probability that the bands miss a pair at the threshold
DEVIATIONS = 6.0  # a sketch's estimate this far below the threshold needs no comparison
BATCH = 256
REMEMBERED = 1024  # shingles of this many documents stay in memory: about 20 kB each


@dataclass(frozen=True)
class Duplicate:
    """A dropped document: the position of the kept one that it repeats, and their similarity."""

    of: int
    similarity: float


class Sketcher:
    """Collects the MinHash sketches of documents, 512 bytes each."""

    def __init__(self) -> None:
        self._pending: list[Hashes] = []
        self._done: list[Sketches] = []

    def add(self, shingles: Hashes) -> None:
        """Add the next document by its shingles."""
        self._pending.append(shingles)
        if len(self._pending) == BATCH:
            self._flush()

    def sketches(self) -> Sketches:
        """All sketches so far: one row of 128 values a document, in the order of adding."""
        self._flush()
        return np.concatenate([np.zeros((0, PERMUTATIONS), np.uint32), *self._done])

    def _flush(self) -> None:
        from rensa import RMinHash

        if not self._pending:
            return
        ends = np.cumsum([0, *map(len, self._pending)]).astype(np.uint64)
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(
            np.concatenate(self._pending), ends, PERMUTATIONS, SEED
        )
        self._done.append(np.array(matrix.to_rows(), dtype=np.uint32))
        self._pending = []


def near_duplicates(texts: Sequence[str], threshold: float) -> dict[int, Duplicate]:
    """Map the position of each near duplicate to the first kept text that it repeats."""
    lexicon, sketcher = Lexicon(), Sketcher()
    for text in texts:
        sketcher.add(lexicon.read(text).shingles)
    return compare_sketches(
        sketcher.sketches(), lambda number: lexicon.read(texts[number]).shingles, threshold
    )


def compare_sketches(
    sketches: Sketches, shingles: Callable[[int], Hashes], threshold: float
) -> dict[int, Duplicate]:
    """As ``near_duplicates``; ``shingles`` gives those of the few documents that are compared."""
    remembered = lru_cache(maxsize=REMEMBERED)(shingles)
    deviation = math.sqrt(threshold * (1 - threshold) / PERMUTATIONS)
    lowest = threshold - DEVIATIONS * deviation
    buckets = _buckets(sketches, rows_per_band(threshold))
    kept: defaultdict[int, list[int]] = defaultdict(list)  # bucket: its kept documents
    found: dict[int, Duplicate] = {}
    for number in np.flatnonzero((buckets >= 0).any(axis=1)).tolist():
        mine = [bucket for bucket in buckets[number].tolist() if bucket >= 0]
        candidates = np.array(sorted({c for bucket in mine for c in kept[bucket]}), dtype=np.intp)
        agreement = (sketches[candidates] == sketches[number]).mean(axis=1)
        for other in candidates[agreement >= lowest].tolist():
            similarity = jaccard(remembered(number), remembered(other))
            if similarity >= threshold:
                found[number] = Duplicate(other, similarity)
                break
        else:
            for bucket in mine:
                kept[bucket].append(number)
    return found


def jaccard(one: Hashes, two: Hashes) -> float:
    """Exact Jaccard similarity of two sorted arrays of distinct hashes; 1 for two empty ones."""
    shared = np.intersect1d(one, two, assume_unique=True).size
    either = len(one) + len(two) - shared
    return shared / either if either else 1.0


def rows_per_band(threshold: float) -> int:
    """The most rows a band (so the fewest chance candidates) that still miss almost no pair."""
    for rows in (16, 8, 4, 2):
        if (1 - threshold**rows) ** (PERMUTATIONS // rows) <= MISSED:
            return rows
    return 1


def _buckets(sketches: Sketches, rows: int) -> NDArray[np.int64]:
    """For each document and band the bucket shared with other documents, or -1."""
    bands = PERMUTATIONS // rows
    buckets = np.full((len(sketches), bands), -1, dtype=np.int64)
    for band in range(bands):
        key = np.zeros(len(sketches), dtype=np.uint64)
        for column in range(band * rows, (band + 1) * rows):
            key = key * np.uint64(0x9E3779B97F4A7C15) + sketches[:, column]
        _, bucket, sizes = np.unique(key, return_inverse=True, return_counts=True)
        shared = sizes[bucket] > 1
        buckets[shared, band] = band * len(sketches) + bucket[shared]
    return buckets
