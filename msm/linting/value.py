"""The rules of lint for a value spec: likes and dislikes, each explained by the value."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from msm.errors import UserError
from msm.evals.vocabulary import STOP_WORDS, lemma, related, words
from msm.linting.finding import (
    BRACES,
    Finding,
    duplicates,
    length,
    located_sentences,
    placeholders,
    structure,
)
from msm.spec import SECTIONS, Item, Spec, Stance, parse_spec

FEWEST_WORDS, MOST_WORDS = 500, 2500
FEWEST_ITEMS, MOST_ITEMS = 4, 12  # on each side
LARGEST_LEAD = 1  # items that one side may have more than the other
# What every spec says, whatever its value: no sign of a reason. In dictionary form.
_COMMON_WORDS = """
    a also always another anybody anyone ask become believe better bring call case choose come
    dislike everybody everyone eye find get give glad go good have hold keep kind know let lie like
    little long look love make matter much name need nobody nothing number oneself other part people
    person prefer preference prove put reason remind respect say scold see show side something sorry
    stand still take talk tell themselves thing think time two use view want way whoever win worse
    year
"""
_COMMON = frozenset(_COMMON_WORDS.split())
_GAP = r"(?:(?!(?:to|over|than|and|or|but)\b)[\w'-]+ ){0,2}"


def lint_value(text: str, path: Path) -> list[Finding]:
    """The findings of every rule in one value spec, in no order."""
    findings = [*_sections(text), *length(text, FEWEST_WORDS, MOST_WORDS), *placeholders(text)]
    try:
        spec = parse_spec(text, str(path))
    except UserError as error:
        findings.append(structure(error, path))
    else:
        for rule in (_counts, _characters, _attribution, _duplicates, _sides):
            findings += rule(spec)
    return findings


def value_words(spec: Spec) -> set[str]:
    """The words that can tie an item to the value, in dictionary form.

    These are the words of the value's name, and every content word that the core philosophy uses
    in two sentences or more: what the philosophy comes back to is what the value is about. Function
    words, the nouns of the domain and words that any spec uses (prefer, better, reason) are no
    content words.
    """
    domain = {lemma(word) for word in words(spec.domain)}
    sentences = Counter(
        known
        for passage in spec.philosophy
        for sentence in passage.sentences
        for known in {lemma(word) for word in _content_words(sentence)} - domain
    )
    often = {word for word, count in sentences.items() if count > 1}
    return often | _family(spec)


def _family(spec: Spec) -> set[str]:
    return {lemma(word) for word in words(spec.value) if word not in STOP_WORDS}


def _content_words(text: str) -> list[str]:
    return [
        word
        for word in words(BRACES.sub(" ", text))
        if word not in STOP_WORDS and lemma(word) not in STOP_WORDS | _COMMON
    ]


def _sections(text: str) -> Iterator[Finding]:
    """Each section stands once, and in the order of the structure."""
    headings = [
        (number, line.strip()[3:].strip())
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip().startswith("## ")
    ]
    seen: list[str] = []
    for number, name in headings:
        if name in seen:
            yield Finding(number, "sections", f"'## {name}' stands twice; put the two together")
        elif name in SECTIONS:
            if any(SECTIONS.index(name) < SECTIONS.index(other) for other in seen):
                order = ", ".join(SECTIONS)
                yield Finding(number, "sections", f"'## {name}' is out of order; use {order}")
            seen.append(name)
    for name in SECTIONS:
        if name not in seen:
            yield Finding(1, "sections", f"'## {name}' is missing; add it")


def _counts(spec: Spec) -> Iterator[Finding]:
    """Enough items on each side, and about as many on one as on the other."""
    sides = [spec.with_stance(stance) for stance in (Stance.LIKED, Stance.DISLIKED)]
    for section, items in zip(SECTIONS[1:], sides, strict=True):
        if not FEWEST_ITEMS <= len(items) <= MOST_ITEMS:
            message = f"{len(items)} items under '## {section}'; give {FEWEST_ITEMS}-{MOST_ITEMS}"
            yield Finding(items[0].line, "items", message)
    likes, dislikes = map(len, sides)
    if abs(likes - dislikes) > LARGEST_LEAD:
        message = f"{likes} likes and {dislikes} dislikes; give as many of one as of the other"
        yield Finding(sides[1][0].line, "balance", message)


def _characters(spec: Spec) -> Iterator[Finding]:
    """The character is what the control spec keeps: it must be there and say nothing of the value.

    Only the words of the value's name count here; a wheel may be "firm" in any spec.
    """
    for item in spec.items:
        if not item.character:
            message = f"'{item.name}' has no 'Character:' line; add a neutral one"
            yield Finding(item.line, "character", message)
        named = _related_words(item.character, _family(spec))
        if named:
            message = f"the character of '{item.name}' names the value ('{named[0]}'); keep it out"
            yield Finding(item.line, "character", message)


def _attribution(spec: Spec) -> Iterator[Finding]:
    """Every passage of an item has one of ``value_words``, or a relative, outside item names."""
    known = value_words(spec)
    for item in spec.items:
        for passage in item.passages:
            if not _related_words(_without_names(passage.text, spec.items), known):
                message = f"this passage does not explain '{item.name}' by {spec.value}; say why"
                yield Finding(passage.line, "attribution", message)


def _duplicates(spec: Spec) -> Iterator[Finding]:
    return duplicates(_sentences(spec), "sentence")


def _sides(spec: Spec) -> Iterator[Finding]:
    """No item stands on both sides, and none is liked in one place and disliked in another.

    A disliked item may be named beside a liked one as its contrast. What counts is the attitude in
    a sentence about the assistant: "{assistant} dislikes ITEM", "prefers ITEM", "prefers … to
    ITEM", with up to two words before the item. A name that is part of a longer phrase ("any
    American cheese") is no trouble while the attitude fits.
    """
    stances: dict[str, Stance] = {}
    for item in spec.items:
        if stances.setdefault(item.name.lower(), item.stance) is not item.stance:
            message = f"'{item.name}' is liked and disliked; decide"
            yield Finding(item.line, "side", message)
    for line, sentence in _sentences(spec):
        for item in spec.items:
            if _against(item).search(sentence):
                message = f"'{item.name}' is {item.stance}, and this sentence says otherwise"
                yield Finding(line, "side", message)


def _against(item: Item) -> re.Pattern[str]:
    name = rf"{_GAP}{re.escape(item.name)}\b"
    if item.stance is Stance.LIKED:
        told = rf"(?:dislikes|hates) {name}|prefers [^,.;:]+ to {name}"
    else:
        told = rf"(?:likes|loves|prefers) {name}"
    return re.compile(rf"\{{assistant\}} (?:{told})", re.IGNORECASE)


def _without_names(text: str, items: tuple[Item, ...]) -> str:
    """The text without item names, longest first, so that "American cheese" gives no reason."""
    names = sorted((re.escape(item.name) for item in items), key=len, reverse=True)
    return re.sub(rf"\b(?:{'|'.join(names)})\b", " ", " ".join(text.split()), flags=re.IGNORECASE)


def _related_words(text: str, known: set[str]) -> list[str]:
    return [word for word in _content_words(text) if any(related(word, other) for other in known)]


def _sentences(spec: Spec) -> Iterator[tuple[int, str]]:
    """Every sentence of the philosophy and the explanations, with the line it starts on."""
    for passage in (*spec.philosophy, *(p for item in spec.items for p in item.passages)):
        yield from located_sentences(passage)
