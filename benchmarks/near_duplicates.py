"""Near duplicates: msm.corpus.duplicates against datasketch's own loop.

    python benchmarks/near_duplicates.py [DOCUMENTS] [--datasketch-documents N] [--update-batch]
        [--own-bands]

Makes DOCUMENTS texts of about 3,000 tokens (2,300 words, distributed as in prose), a tenth of them
copies of earlier ones with up to a quarter of their words changed at places close together, so
that similarities lie on both sides of the threshold. Each side reads the same file in a process of
its own, one after the other, on one thread, and keeps the first of each group of near duplicates.

datasketch's side is its documented loop: ``MinHash.update`` for each shingle, ``MinHashLSH.query``
and ``insert``, with as many permutations and the same threshold; what its index returns is
compared by exact Jaccard, as ours is, so that the kept sets can be compared. It gets our bands:
those it would choose itself balance misses against chance candidates, and miss near duplicates
(``--own-bands`` shows it). ``--update-batch`` gives it ``MinHash.update_batch``, its fastest way.

datasketch may be run on the first N documents: the ratio is then of documents a second, and the
kept sets are compared on those N.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

from msm.corpus.duplicates import PERMUTATIONS, near_duplicates, rows_per_band
from msm.corpus.words import SHINGLE_WORDS, split_words

WORDS = 2_300
VOCABULARY = 50_000
THRESHOLD = 0.8
COPIES = 0.1


def make_texts(count: int, seed: int = 0) -> Iterator[str]:
    """Texts of words drawn by Zipf's law; a tenth are earlier texts with a span of new words."""
    chance = np.random.default_rng(seed)
    letters = np.array(list("etaoinshrdlucmfwypvbgkqjxz"))
    words = np.array(
        ["".join(chance.choice(letters, size)) for size in chance.integers(3, 9, VOCABULARY)]
    )
    weights = 1 / np.arange(1, VOCABULARY + 1)
    edges = np.cumsum(weights / weights.sum())
    recent: list[np.ndarray] = []
    for _ in range(count):
        text = np.minimum(np.searchsorted(edges, chance.random(WORDS)), VOCABULARY - 1)
        if recent and chance.random() < COPIES:
            changed = int(chance.choice([0, 0.02, 0.08, 0.1, 0.12, 0.25]) * WORDS)
            start = int(chance.integers(0, WORDS - changed))
            copy = recent[int(chance.integers(len(recent)))].copy()
            copy[start : start + changed] = text[:changed]
            text = copy
        recent = [*recent[-999:], text]
        yield " ".join(words[text].tolist()) + "."


def keep_ours(texts: list[str]) -> list[int]:
    """The kept texts by msm."""
    dropped = near_duplicates(texts, THRESHOLD)
    return [number for number in range(len(texts)) if number not in dropped]


def shingles(text: str) -> set[bytes]:
    """The same shingles as ours, as datasketch takes them."""
    words = split_words(text)
    starts = range(len(words) - SHINGLE_WORDS + 1)
    return {" ".join(words[start : start + SHINGLE_WORDS]).encode() for start in starts}


def keep_datasketch(texts: list[str], batch: bool, own_bands: bool) -> list[int]:
    """The kept texts by datasketch's loop, its candidates compared exactly."""
    from datasketch import MinHash, MinHashLSH

    rows = rows_per_band(THRESHOLD)
    bands = None if own_bands else (PERMUTATIONS // rows, rows)
    index = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS, params=bands)
    kept = []
    for number, text in enumerate(texts):
        mine = shingles(text)
        sketch = MinHash(num_perm=PERMUTATIONS)
        if batch:
            sketch.update_batch(list(mine))
        else:
            for shingle in mine:
                sketch.update(shingle)
        for candidate in sorted(index.query(sketch)):
            other = shingles(texts[candidate])
            if len(mine & other) / len(mine | other) >= THRESHOLD:
                break
        else:
            index.insert(number, sketch)
            kept.append(number)
    return kept


def run_side(side: str, path: Path, count: int, batch: bool, own_bands: bool) -> None:
    """One side in this process; prints seconds, megabytes and the kept texts as JSON."""
    with path.open(encoding="utf-8") as file:
        texts = [line.rstrip("\n") for line, _ in zip(file, range(count), strict=False)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    kept = keep_ours(texts) if side == "msm" else keep_datasketch(texts, batch, own_bands)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"s": seconds, "texts": before / 1024, "peak": peak / 1024, "kept": kept}))


def measure(side: str, path: Path, count: int) -> tuple[float, list[int]]:
    """One side in a process of its own: documents a second, and the kept ones."""
    command = [sys.executable, __file__, *sys.argv[1:], "--side", side, "--path", str(path)]
    done = subprocess.run([*command, "--read", str(count)], check=True, stdout=subprocess.PIPE)
    result = json.loads(done.stdout)
    rate = count / result["s"]
    print(
        f"{side:<10} {count:>7,} documents {result['s']:8.1f} s {rate:8.1f} documents/s   "
        f"peak {result['peak']:6,.0f} MB, {result['texts']:,.0f} MB of it texts and libraries   "
        f"kept {len(result['kept']):,}",
        flush=True,
    )
    return rate, result["kept"]


def main() -> None:
    """Run both sides and print the ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("documents", nargs="?", type=int, default=50_000)
    parser.add_argument("--datasketch-documents", type=int)
    parser.add_argument("--update-batch", action="store_true")
    parser.add_argument("--own-bands", action="store_true")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--read", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.side:
        run_side(asked.side, asked.path, asked.read, asked.update_batch, asked.own_bands)
        return
    fewer = min(asked.documents, asked.datasketch_documents or asked.documents)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "texts.txt"
        with path.open("w", encoding="utf-8") as file:
            file.writelines(f"{text}\n" for text in make_texts(asked.documents))
        their_rate, theirs = measure("datasketch", path, fewer)
        our_rate, ours = measure("msm", path, asked.documents)
    only = "" if fewer == asked.documents else f" (of rates: datasketch ran on {fewer:,} only)"
    same = [number for number in ours if number < fewer] == theirs
    print(f"ratio {our_rate / their_rate:.1f}{only}")
    print(f"kept sets on {fewer:,} documents: {'equal' if same else 'DIFFERENT'}")


if __name__ == "__main__":
    main()
