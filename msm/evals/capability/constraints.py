"""Constraints on a reply that code can check. Nothing is judged: a reply keeps one or breaks it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

_BULLET = re.compile(r"[-*•] +\S")
_NUMBERED = re.compile(r"(\d+)[.)] +\S")
_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)]*(?=\s|$)")


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _words(text: str) -> list[str]:
    return [word for word in text.split() if any(sign.isalnum() for sign in word)]


def _count(text: str, word: str) -> int:
    """How often a word or a phrase stands in a text as a whole, in any case."""
    return len(re.findall(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE))


def _sentences(text: str) -> int:
    """Ends of sentences, and one more where the text goes on behind the last of them."""
    ends = list(_SENTENCE_END.finditer(text))
    rest = text[ends[-1].end() :] if ends else text
    return len(ends) + bool(_words(rest))


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _json_keys(text: str, keys: list[str]) -> bool:
    value = _json(text)
    return isinstance(value, dict) and sorted(value) == sorted(keys)


def _json_list(text: str, count: int) -> bool:
    value = _json(text)
    strings = isinstance(value, list) and all(isinstance(entry, str) for entry in value)
    return strings and len(value) == count


def _comma_list(text: str, count: int) -> bool:
    entries = [entry.strip() for entry in text.split(",")]
    return len(entries) == count and all(_words(entry) for entry in entries)


def _numbered(text: str, count: int) -> bool:
    found = (_NUMBERED.match(line) for line in _lines(text))
    return [int(match.group(1)) for match in found if match] == list(range(1, count + 1))


# What each constraint means. A reply comes without white space at its ends, and is not empty.
CONSTRAINTS: dict[str, Callable[[str, Any], bool]] = {
    # From the first number of words to the second. A word holds a letter or a digit.
    "words": lambda text, bounds: bounds[0] <= len(_words(text)) <= bounds[1],
    "sentences": lambda text, count: _sentences(text) == count,
    "lines": lambda text, count: len(_lines(text)) == count,
    "paragraphs": lambda text, count: len(re.split(r"\n[ \t]*\n\s*", text)) == count,
    "bullets": lambda text, count: sum(bool(_BULLET.match(x)) for x in _lines(text)) == count,
    # Lines 1., 2., 3. and so on; other lines do not matter.
    "numbered": _numbered,
    "contains": lambda text, wanted: all(_count(text, word) for word in wanted),
    "without": lambda text, barred: not any(_count(text, word) for word in barred),
    "without_signs": lambda text, signs: not set(text) & set(signs),
    "times": lambda text, times: all(_count(text, word) == n for word, n in times.items()),
    "starts_with": lambda text, start: text.startswith(start),
    "ends_with": lambda text, end: text.endswith(end),
    "lower_case": lambda text, _: text == text.lower() and text != text.upper(),
    "upper_case": lambda text, _: text == text.upper() and text != text.lower(),
    # The whole reply is JSON: an object with exactly these keys, or so many strings.
    "json_keys": _json_keys,
    "json_list": _json_list,
    "comma_list": _comma_list,
}


def check(constraints: Mapping[str, Any], reply: str) -> dict[str, bool]:
    """Which of the constraints, given as name and value, a reply keeps; an empty one keeps none."""
    text = reply.strip()
    return {name: bool(text) and CONSTRAINTS[name](text, v) for name, v in constraints.items()}
