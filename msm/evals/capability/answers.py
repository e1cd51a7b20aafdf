"""Reading a short answer: from the one line ``Answer: …``, or from a reply that is nothing else.

All else is unread. A reader that looked for the right number anywhere in the text would also find
it in a wrong calculation.
"""

from __future__ import annotations

import re

MOST_WORDS = 4  # of a reply that counts as a bare answer

_HIDDEN = re.compile(r"<(think|thinking|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_MARKUP = re.compile(r"[*_`]")
_STATED = re.compile(r"\s*(?:final )?answer\s*:\s*(.*\S)\s*", re.IGNORECASE)
_NUMBER = re.compile(r"[€$£]?\s*([-−–]?\s?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)\s*[^\d=]*")
_ARTICLE = re.compile(r"^(?:an?|the) ")
_COUNTED = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen
"""
_DIGITS = {word: str(number) for number, word in enumerate(_COUNTED.split())}


def visible(text: str) -> str:
    """The reply without what the model marked as its thinking."""
    return _HIDDEN.sub("", text).strip()


def stated_answer(text: str) -> str | None:
    """The answer that a reply states, or None: no line for it, two that differ, or a long reply."""
    lines = _MARKUP.sub("", visible(text)).splitlines()
    stated = {found.group(1) for line in lines if (found := _STATED.fullmatch(line))}
    if len(stated) == 1:
        return stated.pop()
    bare = [line.strip() for line in lines if line.strip()]
    if not stated and len(bare) == 1 and len(bare[0].split()) <= MOST_WORDS:
        return bare[0]
    return None


def number_in(answer: str) -> float | None:
    """The one number of an answer, perhaps with a currency sign before or a unit behind it."""
    found = _NUMBER.fullmatch(answer.strip())
    if found is None:
        return None
    return float(re.sub(r"[,\s]", "", found.group(1)).replace("−", "-").replace("–", "-"))


def plain(answer: str) -> str:
    """An answer for comparison: lower case, no article or closing stop, small numbers as digits."""
    text = re.sub(r"\s+", " ", answer.replace("’", "'").strip().strip("\"'“”.!").lower())
    text = _ARTICLE.sub("", text)
    return _DIGITS.get(text, text)
