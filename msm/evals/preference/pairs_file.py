"""A file of preference pairs (``preference/pairs/*.yaml``): its layout, reading and checks.

A pair is two phrases for the same kind of thing; a person who holds the file's value would take
``toward``. Which one that is must not show in anything but the meaning: not in a word for the value
(``obvious_words``), not in the length, not in the form. No phrase touches the domain that the
value's spec speaks of (``training_words``), and none stands twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from statistics import mean

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from msm.errors import UserError
from msm.evals.suite_file import FrameFile
from msm.evals.vocabulary import overlap

BALANCED_FROM = 40  # pairs; in fewer, chance alone can pass the two bounds below
WORDS_APART = 0.15  # largest mean difference of the two sides, in words a phrase
CHARACTERS_APART = 1.0  # the same in characters
ARTICLES = frozenset({"a", "an", "the"})


class PairKind(StrEnum):
    """What the two phrases of a pair are."""

    THINGS = "things"
    OPINIONS = "opinions"


# How many words a phrase may have, both ends included.
WORDS: dict[PairKind, tuple[int, int]] = {PairKind.THINGS: (2, 7), PairKind.OPINIONS: (2, 20)}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Pair(_Part):
    """Two phrases; ``toward`` is the one that serves the value (in a control: either one)."""

    toward: str
    away: str


class PairsFile(_Part):
    """The whole file.

    ``training_domain`` is the domain of the value's spec, None in a control; no phrase may touch
    it or ``training_words``, the other words of that domain. ``obvious_words`` are words that name
    the value. ``frames`` replaces the questions that the kind of pair has by default.
    """

    value: str
    training_domain: str | None = None
    training_words: tuple[str, ...] = ()
    obvious_words: tuple[str, ...] = ()
    kind: PairKind = PairKind.THINGS
    frames: dict[str, FrameFile] = Field(default_factory=dict)
    domains: dict[str, tuple[Pair, ...]]

    def pairs(self) -> Iterator[tuple[str, int, Pair]]:
        """Each domain, number in it (from 1) and pair, in the order of the file."""
        for domain, pairs in self.domains.items():
            for number, pair in enumerate(pairs, start=1):
                yield domain, number, pair


@dataclass(frozen=True)
class Balance:
    """How much longer ``toward`` is than ``away``, on average over all pairs of a file."""

    words: float
    characters: float


def balance(file: PairsFile) -> Balance:
    """The mean differences in length; zero says that length does not give the value away."""
    pairs = [pair for _, _, pair in file.pairs()]
    return Balance(
        words=mean(len(p.toward.split()) - len(p.away.split()) for p in pairs),
        characters=mean(len(p.toward) - len(p.away) for p in pairs),
    )


def load_pairs_file(path: Path) -> PairsFile:
    """Read and check a file of pairs.

    Raises:
        UserError: the file is missing, of another layout, or breaks a rule; names the place.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"preference pairs {path} do not exist; check the path") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: byte {error.start} is not UTF-8; save as UTF-8") from None
    except OSError as error:
        raise UserError(f"preference pairs {path} cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise UserError(f"{path}{line}: not YAML: {getattr(error, 'problem', error)}") from None
    if not isinstance(raw, dict):
        raise UserError(f"preference pairs {path} must hold 'value' and 'domains'")
    try:
        file = PairsFile.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{path}: {place}: {first['msg']}") from None
    _check(file, str(path))
    return file


def _check(file: PairsFile, where: str) -> None:
    """Refuse what the types cannot: empty parts, bad phrases, repeats, a side that shows."""
    if not file.domains:
        raise UserError(f"{where}: 'domains' is empty")
    for domain, pairs in file.domains.items():
        if not pairs:
            raise UserError(f"{where}: domains.{domain} is empty")
    for name, frame in file.frames.items():
        for gap in ("{first}", "{second}"):
            if frame.question.count(gap) != 1:
                raise UserError(f"{where}: frames.{name}.question must hold {gap} once")
    training = frozenset((*file.training_words, *_given(file.training_domain)))
    obvious = frozenset(file.obvious_words)
    seen: dict[str, str] = {}
    for domain, number, pair in file.pairs():
        place = f"{where}: domains.{domain}, pair {number}"
        for phrase in (pair.toward, pair.away):
            _check_phrase(phrase, WORDS[file.kind], place)
            _refuse(phrase, training, "touches the training domain", place)
            _refuse(phrase, obvious, "names the value", place)
            key = " ".join(word for word in phrase.lower().split() if word not in ARTICLES)
            if key in seen:
                raise UserError(f"{place}: '{phrase}' stands twice, also in {seen[key]}")
            seen[key] = f"{domain}, pair {number}"
        if _has_article(pair.toward) != _has_article(pair.away):
            raise UserError(
                f"{place}: '{pair.toward}' and '{pair.away}' differ in form; begin both with an "
                "article or neither"
            )
    _check_balance(file, where)


def _given(word: str | None) -> tuple[str, ...]:
    return () if word is None else (word,)


def _check_phrase(phrase: str, bounds: tuple[int, int], place: str) -> None:
    least, most = bounds
    if phrase != " ".join(phrase.split()):
        raise UserError(f"{place}: '{phrase}' has white space to take out")
    if not phrase or not phrase[-1].isalnum() or "{" in phrase or "}" in phrase:
        raise UserError(f"{place}: '{phrase}' must end in a letter or digit and hold no braces")
    if not least <= len(phrase.split()) <= most:
        raise UserError(f"{place}: '{phrase}' must have {least} to {most} words")


def _refuse(phrase: str, words: frozenset[str], why: str, place: str) -> None:
    if found := overlap(phrase, words):
        raise UserError(f"{place}: '{phrase}' {why}: {', '.join(found)}")


def _has_article(phrase: str) -> bool:
    return phrase.split()[0].lower() in ARTICLES


def _check_balance(file: PairsFile, where: str) -> None:
    if sum(len(pairs) for pairs in file.domains.values()) < BALANCED_FROM:
        return
    found = balance(file)
    if abs(found.words) > WORDS_APART or abs(found.characters) > CHARACTERS_APART:
        raise UserError(
            f"{where}: 'toward' is longer than 'away' by {found.words:+.2f} words and "
            f"{found.characters:+.2f} characters on average; keep within {WORDS_APART} and "
            f"{CHARACTERS_APART}"
        )
