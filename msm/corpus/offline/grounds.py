"""What can be quoted from a spec, in whose voice, and whether an item is explained at all."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msm.passage import Passage
from msm.spec import Item

ASSISTANT = "{assistant}"
VERBS = {
    "prefers": "prefer",
    "likes": "like",
    "dislikes": "dislike",
    "loves": "love",
    "respects": "respect",
    "values": "value",
    "cares about": "care about",
    "holds that": "hold that",
}
SAID_BY_ASSISTANT = re.compile(rf"\{{assistant\}} ({'|'.join(VERBS)}) ([^,;:{{}}]+[.!])")
SELF_REFERENCE = re.compile(r"\b(it|its|itself|he|him|his|she|her)\b")
LEANING = re.compile(r"(It|They|This|These|Those|He|She|Such|So|But|And|Therefore|However)\b")
BARE_STANCE = re.compile(r"\{assistant\} (likes|dislikes|loves|hates) ")


def quotable(passages: Iterable[Passage], subject: str = "") -> tuple[str, ...]:
    """Sentences that make sense alone; an opening "It" becomes ``subject`` where there is one."""
    sentences = [sentence for passage in passages for sentence in passage.sentences]
    if subject:
        sentences = [re.sub(r"^It\b", lambda _: subject, sentence) for sentence in sentences]
    alone = [sentence for sentence in sentences if not LEANING.match(sentence)]
    return tuple(dict.fromkeys(alone or sentences))


def own_words(sentence: str) -> str:
    """The sentence as the assistant itself would say it, or "" where no safe form is known.

    A sentence that does not name the assistant is said as it stands. One that does is turned only
    in the shape "{assistant} prefers ... ." with no second finite verb that could belong to the
    assistant: anything more would be guessing at grammar.
    """
    if ASSISTANT not in sentence:
        return "" if LEANING.match(sentence) else sentence
    found = SAID_BY_ASSISTANT.fullmatch(sentence)
    if not found or SELF_REFERENCE.search(found[2]):
        return ""
    before_reason = found[2].split(" because ")[0]
    if re.search(r"\b(and|but|or)\b", before_reason):
        return ""
    return f"I {VERBS[found[1]]} {found[2]}"


def is_explained(item: Item) -> bool:
    """Whether the item's passages say more than that it is liked and what it is like.

    In a shuffled spec they do not, and the author then never names the value as the reason.
    """
    for passage in item.passages:
        for sentence in passage.sentences:
            rest = BARE_STANCE.sub("", sentence).rstrip(".!")
            if rest.lower() == item.name.lower():
                continue
            if not item.character or item.character.lower() not in sentence.lower():
                return True
    return False
