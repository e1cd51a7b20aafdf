"""Near duplicates are those that a comparison of every pair would find."""

from __future__ import annotations

import random

import pytest

from msm.corpus.duplicates import near_duplicates
from msm.corpus.words import Lexicon, split_words


def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    words = split_words(text)
    length = min(5, len(words))
    return frozenset(
        tuple(words[place : place + length]) for place in range(len(words) - length + 1)
    )


def _by_comparing_all(texts: list[str], threshold: float) -> dict[int, int]:
    """Each duplicate and the first kept text that it repeats, without any hashing."""
    kept: dict[int, frozenset[tuple[str, ...]]] = {}
    found = {}
    for number, text in enumerate(texts):
        mine = _shingles(text)
        for other, theirs in kept.items():
            if len(mine & theirs) / len(mine | theirs) >= threshold:
                found[number] = other
                break
        else:
            kept[number] = mine
    return found


def _texts(seed: int, count: int, words: int) -> list[str]:
    """Texts and copies of them with a few words changed, so that similarities cover 0 to 1."""
    chance = random.Random(seed)
    vocabulary = [f"w{n}" for n in range(400)]
    texts = []
    for _ in range(count):
        base = [chance.choice(vocabulary) for _ in range(chance.randint(words // 2, words))]
        texts.append(base)
        for share in (0, 0.01, 0.02, 0.03, 0.1):
            other = list(base)
            for place in chance.sample(range(len(base)), round(share * len(base))):
                other[place] = chance.choice(vocabulary)
            texts.append(other)
    chance.shuffle(texts)
    return [" ".join(text) for text in texts]


@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("words", [12, 60, 400])
def test_the_kept_set_is_that_of_a_full_comparison(threshold: float, words: int) -> None:
    texts = _texts(seed=words, count=60, words=words)
    expected = _by_comparing_all(texts, threshold)
    found = near_duplicates(texts, threshold)
    assert {number: duplicate.of for number, duplicate in found.items()} == expected
    assert len(expected) >= 60


def test_the_threshold_is_met_exactly() -> None:
    # 24 words make 20 runs of five; each word more adds one: 20 of 25 is 0.8, 20 of 26 is not.
    words = [f"word{n}" for n in range(30)]
    base, at, below = (" ".join(words[:count]) for count in (24, 29, 30))
    assert near_duplicates([base, at], 0.8)[1].similarity == 0.8
    assert near_duplicates([base, below], 0.8) == {}


def test_a_duplicate_of_a_dropped_text_is_not_dropped_for_it() -> None:
    words = [f"word{n}" for n in range(40)]
    texts = [" ".join(words[:count]) for count in (24, 29, 35)]
    assert list(near_duplicates(texts, 0.8)) == [1]


def test_texts_without_words_are_one_text() -> None:
    assert list(near_duplicates(["", "...", "a", "a!"], 0.8)) == [1, 3]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It’s “done” — isn't it?", ["it", "s", "done", "isn", "t", "it"]),
        ("Crème\u2003brûlée, ЩИ и 饺子", ["crème", "brûlée", "щи", "и", "饺子"]),
        ("snake_case 3.14\x1f2", ["snake_case", "3", "14", "2"]),
        ("", []),
    ],
)
def test_a_reading_has_the_words_of_the_text(text: str, words: list[str]) -> None:
    reading = Lexicon(lambda word: not word.isascii()).read(text)
    assert split_words(text) == words
    assert len(reading.hashes) == len(words)
    assert reading.suspects == {word for word in words if not word.isascii()}


def test_a_word_has_one_hash_wherever_it_stands() -> None:
    one, two = Lexicon().read("a brie, a Stilton"), Lexicon(lambda word: True).read("stilton Brie")
    assert one.hashes[0] == one.hashes[2]
    assert len(set(one.hashes.tolist())) == 3
    assert one.hashes.tolist()[1::2] == two.hashes.tolist()[::-1]


def test_the_decision_is_the_same_again_and_always_for_the_earlier_text() -> None:
    texts = _texts(seed=7, count=10, words=80)
    again = near_duplicates(texts, 0.8)
    assert again == near_duplicates(list(texts), 0.8)
    assert all(duplicate.of < number for number, duplicate in again.items())
