"""Which words belong to one family, and which held-out words a text touches.

A document that calls a cheese "thrifty" would answer a held-out question about a thrifty bicycle.
Two words are of one family when a lemmatiser gives them one lemma, or when their lemmas begin
alike for long enough. The second rule is blunt on purpose: it also takes a few strangers for
relatives (clear, clearance), which costs a held-out word or a document. It misses families with
a short or changing stem (Texan, Texas; Finnish, Finland) and, of course, synonyms.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache

import simplemma

PREFIX = 5
OF_SHORTER = 0.7

_WORD = re.compile(r"[^\W\d_]{2,}")

_FUNCTION_WORDS = """
    about above after again all also am among an and any are as at be been before being below
    between both but by can could did do does doing down during each either every few for from
    further had has have having he her here hers him his how if in into is it its itself just
    may me might more most must my neither no nor not of off on once one only or other our out
    over own per same shall she should so some such than that the their theirs them then there
    these they this those through to too under until up upon us very was we were what when where
    which while who whom whose why will with within without would yes you your yours
"""
STOP_WORDS = frozenset(_FUNCTION_WORDS.split())


def words(text: str) -> list[str]:
    """The words of a text in lower case: runs of two or more letters, hyphenated ones split."""
    return _WORD.findall(text.lower())


@lru_cache(maxsize=200_000)
def lemma(word: str) -> str:
    """The dictionary form of one word, in lower case."""
    return str(simplemma.lemmatize(word.lower(), lang="en")).lower()


def related(a: str, b: str) -> bool:
    """Whether two words are of one family: thrifty and thrift, luxurious and luxury."""
    return _lemmas_related(lemma(a), lemma(b))


def overlap(text: str, held_out: frozenset[str]) -> list[str]:
    """The held-out words that a text touches with any word of their families, sorted.

    Held-out words of several parts (``no-frills``) are touched by any part that is not a function
    word.
    """
    found: set[str] = set()
    for word in set(words(text)):
        found |= _touched(word, held_out)
    return sorted(found)


@lru_cache(maxsize=400_000)
def _touched(word: str, held_out: frozenset[str]) -> frozenset[str]:
    if word in STOP_WORDS:
        return frozenset()
    known = lemma(word)
    candidates = _index(held_out).get(known[:PREFIX], ())
    return frozenset(held for other, held in candidates if _lemmas_related(known, other))


@lru_cache(maxsize=64)
def _index(held_out: frozenset[str]) -> dict[str, tuple[tuple[str, str], ...]]:
    """Held-out lemmas under their first letters: relatives always share those."""
    index: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for held in sorted(held_out):
        for part in words(held):
            if part not in STOP_WORDS:
                index[lemma(part)[:PREFIX]].append((lemma(part), held))
    return {start: tuple(entries) for start, entries in index.items()}


def _lemmas_related(a: str, b: str) -> bool:
    if a == b:
        return True
    shared = 0
    for left, right in zip(a, b, strict=False):
        if left != right:
            break
        shared += 1
    return shared >= PREFIX and shared >= OF_SHORTER * min(len(a), len(b))
