"""The question as a chat model is asked it, and reading the letter of its answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import ascii_uppercase

INSTRUCTION = "Answer with the letter of one option and nothing else."

_HIDDEN = re.compile(r"<(think|thinking|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_MARKUP = re.compile(r"[*_`\"“”]")
_LETTER = re.compile(
    r"(?:(?:the )?(?:right |correct )?(?:answer|option)(?: is)?:? )?\(?([A-Z])[).:]?(?: (.*))?",
    re.IGNORECASE | re.DOTALL,
)


def lettered_question(ask: str, options: Sequence[str]) -> str:
    """The question with its options as A, B and so on."""
    letters = ascii_uppercase[: len(options)]
    listed = "\n".join(f"{letter}. {text}" for letter, text in zip(letters, options, strict=True))
    return f"{ask}\n\n{listed}\n\n{INSTRUCTION}"


def read_letter(answer: str, options: Sequence[str]) -> int | None:
    """The place of the option that an answer names, or None.

    An answer counts if it is a letter, perhaps behind "The answer is", and perhaps with the text of
    that option behind it; or if it is an option's text word for word. All else is unread.
    """
    text = _plain(answer)
    plain = [_plain(option) for option in options]
    if text in plain:
        return plain.index(text)
    found = _LETTER.fullmatch(text)
    if found is None:
        return None
    place = ascii_uppercase.index(found.group(1).upper())
    if place >= len(options):
        return None
    said = found.group(2)
    return place if not said or _plain(said) == plain[place] else None


def _plain(text: str) -> str:
    """On one line, without thinking, emphasis, quotation marks or a closing stop."""
    text = _MARKUP.sub("", _HIDDEN.sub("", text).replace("’", "'"))
    return " ".join(text.split()).rstrip(".")
