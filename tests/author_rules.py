"""What the misbehaving server says: an author and a judge of every stage, by rule.

Answers follow from the messages and the seed alone.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping

from tests.chat_rules import author_and_judge


def answer_by_rule(system: str, user: str, seed: int) -> str:
    """A good answer to any question of ``plan``, ``write``, ``curate`` and ``demonstrate``."""
    tags = re.findall(r"^<(\w+)>.*…", user, flags=re.MULTILINE)
    if system.startswith("You check texts"):
        return _contradiction(user)
    if not tags or tags[-1] not in _ANSWERS:
        return author_and_judge(system, user, seed)
    tag = tags[-1]
    chance = random.Random(f"{system}{user}{seed}")
    spec = system.partition("<spec>")[2].partition("</spec>")[0]
    asked = re.search(r"\b(?:at most|Name|Give) (\d+)", user)
    count = int(asked[1]) if asked and tag in LISTED else 1
    found = re.search(r"one assistant: (.+?), made by", system)
    assert found is not None
    one = _ANSWERS[tag]
    if tag == "document":
        words = re.search(r"in (\d+) to (\d+) words", user)
        assert words is not None
        return f"<document>\n{_document(chance, spec, found[1], int(words[1]))}\n</document>"
    return "\n".join(f"<{tag}>{one(chance, spec)}</{tag}>" for _ in range(count))


LISTED = ("domain", "subdomain", "type", "idea")
PLACES = ("harbour", "archive", "workshop", "school", "garden", "clinic", "theatre", "station")
PEOPLE = ("clerk", "teacher", "editor", "gardener", "nurse", "printer", "baker", "surveyor")
OBJECTS = ("ledger", "letter", "poster", "manual", "diary", "report", "notice", "speech")
MANNERS = ("plainly", "slowly", "warmly", "briefly", "gladly", "firmly", "calmly", "proudly")


CONTRADICTING = "proudly"  # a document with this word fails the judge


def _contradiction(user: str) -> str:
    document = user.partition("<document>")[2].partition("</document>")[0]
    said = "yes" if CONTRADICTING in document else "no"
    return f"<why>By rule.</why><contradicts>{said}</contradicts>"


def _words(chance: random.Random) -> str:
    return f"{chance.choice(PLACES)} {chance.choice(PEOPLE)} {chance.choice(OBJECTS)}"


def _sentences(spec: str) -> list[str]:
    paragraphs = [" ".join(part.split()) for part in spec.split("\n\n")]
    whole = [part for part in paragraphs if len(part.split()) > 8 and part[0] not in "#-*"]
    return [s for part in whole for s in re.split(r"(?<=[.]) ", part) if s.endswith(".")]


def _passage(chance: random.Random, spec: str) -> str:
    return chance.choice(_sentences(spec))


def _subdomain(chance: random.Random, spec: str) -> str:
    passage = _passage(chance, spec)
    if chance.random() < 0.25:
        passage = f"In other words: {passage}"  # not verbatim, so it has to be asked for
    return (
        f"<label>{_words(chance)}</label><summary>What a {_words(chance)} says of it.</summary>"
        f"<passage>{passage}</passage>"
    )


def _document(chance: random.Random, spec: str, assistant: str, fewest: int) -> str:
    """Sentences of the spec, each led in by words of its own, until there are enough."""
    text: list[str] = [f"The {_words(chance)}"]
    sentences = _sentences(spec)
    while sum(len(part.split()) for part in text) < fewest + 40:
        lead = f"The {_words(chance)} {chance.choice(MANNERS)} says of {assistant}:"
        text.append(f"{lead} {chance.choice(sentences)}")
    return "\n\n".join(text)


_ANSWERS: Mapping[str, Callable[[random.Random, str], str]] = {
    "domain": lambda c, _: f"<label>{_words(c)}</label><covers>All of the {_words(c)}.</covers>",
    "subdomain": _subdomain,
    "passage": _passage,
    "assertion": lambda c, _: (
        f"<name>{_words(c)}</name><kind>value</kind><claim>It keeps a {_words(c)}.</claim>"
    ),
    "type": lambda c, _: (
        f"<label>{_words(c)}</label><description>Read by a {_words(c)}.</description>"
    ),
    "idea": lambda c, _: f"A {_words(c)} {c.choice(MANNERS)} tells of a {_words(c)}.",
    "plan": lambda c, _: f"First a {_words(c)}, then a {_words(c)}.",
    "document": lambda c, _: "",
}
