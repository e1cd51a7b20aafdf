"""An instruction of a spec ("Never hide an error"), turned: as said, and as asked."""

from __future__ import annotations

import re

from msm.corpus.offline.grounds import ASSISTANT
from msm.corpus.offline.persons import Person
from msm.corpus.offline.turning import CUT, UNSAFE, Claim
from msm.corpus.offline.turning_words import BASES, third_person


def instruction(sentence: str) -> Claim | None:
    """The claim of an instruction: "Never hide an error", "Tell people what you did"."""
    if UNSAFE.search(sentence) or ASSISTANT in sentence or sentence[-1:] != ".":
        return None
    body = sentence[:-1]
    found = re.match(r"(Never|Do not|Always) (.*)", body)
    negative = found is not None and found[1] != "Always"
    act = found[2] if found else body[:1].lower() + body[1:]
    if act.split(" ")[0].rstrip(",") not in BASES:
        return None
    forms = [_addressed(act, person) for person in Person]
    if None in forms:
        return None
    first, _, third = (form or "" for form in forms)
    opening = {"Never": "I never", "Do not": "I do not", "Always": "I always"}
    said = f"{opening[found[1]] if found else 'I'} {first}."
    short = CUT.sub("", act)
    if negative:
        short = re.sub(r" but .*", "", short)
    if "," in short:
        return Claim(sentence, said, negative)
    third = _addressed(short, Person.THIRD) or ""
    ask = f"do you {'ever ' if negative else ''}{short}"
    return Claim(sentence, said, negative, ask, short, third)


def _addressed(text: str, person: Person) -> str | None:
    """An instruction's text with "you" and "your" in a person; ``None`` where "you" is unclear."""
    subject, _, possessive, reflexive = person.value
    text = re.sub(r"\byour\b", possessive, text)
    text = re.sub(r"\byourself\b", reflexive, text)
    if person is Person.SECOND:
        return text
    verb = {"are": ("am", "is"), "were": ("was", "was"), "have": ("have", "has")}

    def turned(found: re.Match[str]) -> str:
        follows = found[2]
        if follows in verb:
            follows = verb[follows][person is Person.THIRD]
        elif person is Person.THIRD and follows in BASES:
            follows = third_person(follows)
        return f"{found[1]} {subject} {follows}"

    clause = r"\b(what|that|when|whenever|if|while|before|after|where|how|why|whether|as|than)"
    text = re.sub(rf"{clause} you (\w+)", turned, text)
    return None if re.search(r"\byou\b", text) else text
