"""A reader who knows words but no meaning: how far single words tell the sides of pairs apart."""

from __future__ import annotations

import math
import re
from collections import Counter

from msm.evals.preference.pairs_file import Pair, PairsFile


def told_by_words(file: PairsFile) -> float:
    """The share of pairs that naive Bayes on words gets right, trained on the other domains.

    Half is what guessing gets; a draw counts half.
    """
    right = 0.0
    for domain, pairs in file.domains.items():
        rest = [p for other, ps in file.domains.items() if other != domain for p in ps]
        weights = _weights(rest)
        for pair in pairs:
            lead = _sum(pair.toward, weights) - _sum(pair.away, weights)
            right += 0.5 if lead == 0 else float(lead > 0)
    return right / sum(map(len, file.domains.values()))


def _weights(pairs: list[Pair]) -> dict[str, float]:
    """For each word, the logarithm of how much more phrases of ``toward`` hold it."""
    toward = Counter(word for pair in pairs for word in _words(pair.toward))
    away = Counter(word for pair in pairs for word in _words(pair.away))
    return {
        word: math.log((toward[word] + 0.5) / (away[word] + 0.5)) for word in toward.keys() | away
    }


def _sum(phrase: str, weights: dict[str, float]) -> float:
    return math.fsum(weights.get(word, 0.0) for word in sorted(_words(phrase)))


def _words(phrase: str) -> set[str]:
    return set(re.findall(r"[\w']+", phrase.lower()))
