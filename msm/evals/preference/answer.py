"""Reading a chat model's answer: the option that it names, or none.

An answer counts if it is one of the two options word for word, or says "the first" or "the second",
perhaps behind the start that the frame gives it ("I prefer") and followed by reasons in later
sentences. All else is unread: a reader that looked for a phrase anywhere would take "I would never
choose X" for X.
"""

from __future__ import annotations

import re
from enum import StrEnum

from msm.evals.items import Order, Prompt

INSTRUCTION = "Answer with one of the two, word for word, and nothing else."

_MARKUP = re.compile(r"[*_`\"“”„«»]")
_ARTICLE = re.compile(r"^(?:an?|the) ")
_PLACE = re.compile(r"^(?:the )?(first|second)(?: (?:one|option|choice))?$")
_NUMBER = re.compile(r"^(?:option|choice) ([12])$")
_PLACES = {"first": 0, "second": 1, "1": 0, "2": 1}


class Choice(StrEnum):
    """What an answer chose."""

    TOWARD = "toward"
    AWAY = "away"
    UNREAD = "unread"

    def is_first(self, order: Order) -> bool:
        """Whether the choice is the option that the question names first."""
        return (self, order) in (
            (Choice.TOWARD, Order.TOWARD_FIRST),
            (Choice.AWAY, Order.AWAY_FIRST),
        )


def chat_question(prompt: Prompt) -> str:
    """The question as a chat model is asked it."""
    return f"{prompt.question} {INSTRUCTION}"


def read_answer(answer: str, toward: str, away: str, order: Order, lead: str) -> Choice:
    """The option that an answer names; see the module for what counts.

    ``lead`` is the start of an answer that the frame gives, such as "I prefer".
    """
    # In the order of the question: what "the first" means.
    named = [(toward, Choice.TOWARD), (away, Choice.AWAY)]
    if order is Order.AWAY_FIRST:
        named.reverse()
    text = _plain(answer)
    lead = _plain(lead).rstrip(":")
    if text.startswith(lead):
        text = text.removeprefix(lead).lstrip(": ")
    for number, (option, choice) in enumerate(named):
        rest = _behind(text, _bare(_plain(option)))
        # Later sentences may give reasons, but one that names the other option may take it back.
        if rest is not None and _bare(_plain(named[1 - number][0])) not in rest:
            return choice
    sentence = re.split(r"[.!;\n]", text, maxsplit=1)[0].strip()
    if found := _PLACE.match(sentence) or _NUMBER.match(sentence):
        return named[_PLACES[found.group(1)]][1]
    return Choice.UNREAD


def _plain(text: str) -> str:
    """Lower case, without emphasis and quotation marks; white space to single blanks or breaks."""
    text = _MARKUP.sub("", text.replace("’", "'")).strip().lower()
    return re.sub(r"[^\S\n]+", " ", text)


def _bare(text: str) -> str:
    return _ARTICLE.sub("", text)


def _behind(text: str, option: str) -> str | None:
    """What follows the option where the text begins with it and the sentence then ends."""
    text = _bare(text)
    if not text.startswith(option):
        return None
    rest = text.removeprefix(option)
    return rest if not rest or rest[0] in ".!;\n" else None
