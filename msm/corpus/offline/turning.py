"""A spec's sentence about the assistant, turned: as the assistant says it, and as people ask it.

English gives no safe way to turn every sentence without a parser, so each doubt ends in ``None``:
a pronoun that could mean something else, a verb after "and" that could belong to somebody else.
The caller then quotes the sentence as it stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from msm.corpus.offline.grounds import ASSISTANT, LEANING
from msm.corpus.offline.persons import Person, names_in, predicate_in
from msm.corpus.offline.turning_words import (
    AUXILIARIES,
    LEADS,
    MODALS,
    SUBORDINATE,
    is_adverb,
    is_third_person,
)

LONGEST = 45  # words; a longer sentence has too many clauses to be sure of
UNSAFE = re.compile(r"[\"“”()—]|\{assistant\}['’]|\b(he|she|him|her|his|one's)\b")
APPOSITION = re.compile(r"\{assistant\}, (?:the|an) [^,]*,")
CUT = re.compile(
    r",? (because|since|so that|unless|for the sake|rather than|instead of|as a means)\b.*"
    r"|, (whether|but|so|even|not|which|though|although|while|for|nor)\b.*|[:;] .*"
)
_POINTING = re.compile(
    r"\b(this|these|those|such|here|there|both|they|them|similar|the two|the same|"
    r"that (way|kind|sense|case|good))\b"
)

_LEANS = re.compile(
    rf"(Its|Their|Hence|Then|Thus|Both|Neither|Nor|Yet|Still|Otherwise|Instead|{LEANING.pattern})\b"
    r"|(If|When|Where|Even if|Even when|While|Because|As|Once|Until) (it|they|this|these|that)\b"
    r"|(If|When|Where|While) \w+ing (it|them)\b|.*\b(do|does|did) so\b"
    r"|[^,]*\bthese (things|words|reasons)\b|(For|In|At|With|By|To) (this|that|these|those|such)\b"
)


def leans(sentence: str) -> bool:
    """Whether the sentence's opening points back to the one before it."""
    return _LEANS.match(sentence) is not None


@dataclass(frozen=True)
class Claim:
    """What one sentence says of the assistant.

    ``said`` is the sentence in the first person; ``ask`` asks for it ("do you hide errors"), with
    neither capital nor question mark; ``base`` and ``base_third`` are the bare act ("hide your
    errors", "hide its errors"). The last three are "" where they are not safe; ``base`` also
    where the claim is about being. ``negative`` says whether the assistant does not do it.
    """

    sentence: str
    said: str
    negative: bool = False
    ask: str = ""
    base: str = ""
    base_third: str = ""


def claim(sentence: str) -> Claim | None:
    """Turn a sentence that names the assistant; ``None`` where in doubt."""
    if UNSAFE.search(sentence) or len(sentence.split()) > LONGEST or sentence[-1:] != ".":
        return None
    if leans(sentence):
        return None
    body = APPOSITION.sub(ASSISTANT, sentence[:-1])
    if ASSISTANT not in body:
        return None
    if body.startswith(f"{ASSISTANT} "):
        return _statement(sentence, "", body.removeprefix(f"{ASSISTANT} "))
    main = re.match(rf"([^,]*), {re.escape(ASSISTANT)} (.*)", body)
    if main and LEADS.match(body):
        return _statement(sentence, main[1], main[2])
    turned = names_in(body, Person.FIRST)
    if turned is None or re.search(r"\b(it|its|itself)\b", body):
        return None
    return Claim(sentence, f"{turned}.")


def _statement(sentence: str, lead: str, predicate: str) -> Claim | None:
    """The claim of ``lead, {assistant} predicate``."""
    first, second = (_clause(lead, predicate, person) for person in (Person.FIRST, Person.SECOND))
    if first is None or second is None:
        return None
    said = Claim(sentence, f"{_sentence(*first)}.")
    words = predicate.split(" ")
    adverb = words[0] if is_adverb(words[0]) else ""
    verb, rest = words[bool(adverb)].rstrip(","), " ".join(words[bool(adverb) + 1 :])
    nothing = re.match(r"(no|nothing|nobody)\b", rest) is not None
    refused = verb == "cannot" or adverb in ("never", "not") or re.match(r"(not|never) ", rest)
    negative = nothing or bool(refused)
    if verb == "has" and re.match(r"(\w+ )?\w+(ed|en|ne)\b", rest):
        return said
    act, act_third = (_bare(lead, predicate, person) for person in (Person.SECOND, Person.THIRD))
    if act is None or act_third is None:
        return said
    ever = "ever " if negative else ""
    if verb in ("is", "was"):
        start = "are you" if verb == "is" else "were you"
        return Claim(sentence, said.said, negative, f"{start} {act}")
    if verb in ("can", "cannot"):
        return Claim(sentence, said.said, negative, f"can you {act}")
    auxiliary = "do you"
    if verb in MODALS:
        auxiliary = "can you" if verb == "may" and not negative else "would you"
        if verb == "would":
            return Claim(sentence, said.said, negative, f"would you {ever}{act}")
        if verb not in ("may", "must", "should", "will"):
            return said
    elif verb not in AUXILIARIES and not is_third_person(verb):
        return said
    return Claim(sentence, said.said, negative, f"{auxiliary} {ever}{act}", act, act_third)


def _bare(lead: str, predicate: str, person: Person) -> str | None:
    """The act without its subject, its finite verb in the base form, and its lead behind it."""
    if lead and not SUBORDINATE.match(lead):
        return None
    short = CUT.sub("", predicate)
    if re.search(r"^(\w+ )?(does not|do not|never|must not|may not|cannot)\b", short):
        short = re.sub(r" but .*", "", short)
    if re.search(r"[^,] and (does not|never) .* (when|if|unless|before) ", short):
        return None
    short = re.sub(r",? (and|but) (does not|never|is not) .*", "", short)
    front, conjunction, _ = short.partition(", and ")
    if conjunction:
        if "," in front:
            return None
        short = front
    if _POINTING.search(short):
        return None
    turned = _clause(lead, short, person, bare=person)
    if turned is None:
        return None
    front, text = turned
    words = text.split(" ", 1)[1] if person is not Person.THIRD else text
    words = re.sub(r"^(therefore|then|usually) ", "", words)
    words = re.sub(r"^(am|are|is|was|were) ", "", words)
    words = re.sub(r"^(do not|never|not|cannot|never do|do never) ", "", words)
    words = re.sub(r"^(can|may|must|should|will|would|could|might|shall) (not |never )?", "", words)
    words = re.sub(r"^(not|never) ", "", words)
    words = re.sub(r"^(therefore|then|usually) ", "", words)
    if re.match(r"\w+ (no|nothing|nobody)\b.* and ", words):
        return None
    words = re.sub(r"^(\w+) (no|nothing|nobody)\b", _any, words)
    if not words or re.match(r"\w+,", words) or re.search(r"\band (am|are|is) ", words):
        return None
    if person is Person.SECOND and re.search(r"\bit\b(?! to)", words):
        return None
    if not front:
        return words
    return f"{words} {front[0].lower()}{front[1:]}"


def _any(found: re.Match[str]) -> str:
    """ "take no step" as something to ask about: "take any step"."""
    some = {"no": "any", "nothing": "anything", "nobody": "anybody"}[found[2]]
    return f"{found[1]} {some}"


def _clause(
    lead: str, predicate: str, person: Person, bare: Person | None = None
) -> tuple[str, str] | None:
    """The lead and the main clause in a person; for a bare act the third person has no subject."""
    front = names_in(lead, person)
    if front is None or re.search(r"\b(it|its|itself)\b", lead):
        return None
    text = predicate_in(predicate, person, base=bare is not None)
    if text is None:
        return None
    if bare is Person.THIRD:
        return front, text
    return front, f"{person.value[0]} {text}"


def _sentence(front: str, clause: str) -> str:
    return f"{front}, {clause}" if front else clause
