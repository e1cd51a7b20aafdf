"""What lint finds, and the rules that hold for a spec of any kind."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from msm.errors import UserError
from msm.passage import Passage

PLACEHOLDERS = ("{assistant}", "{provider}")
BRACES = re.compile(r"\{[^{}]*\}?|\}")


@dataclass(frozen=True)
class Finding:
    """One thing to look at: the line it stands on (from 1), the rule, and what to do about it."""

    line: int
    rule: str
    message: str


def structure(error: UserError, path: Path) -> Finding:
    """The parser's error as a finding, on the line that it names."""
    located = re.fullmatch(rf"{re.escape(str(path))}(?::(\d+))?: (.*)", str(error), re.DOTALL)
    if located is None:
        return Finding(1, "structure", str(error))
    return Finding(int(located[1] or 1), "structure", located[2])


def length(text: str, fewest: int, most: int) -> Iterator[Finding]:
    """A warning for a spec outside its bounds, in words, the head included."""
    count = len(text.split())
    if not fewest <= count <= most:
        yield Finding(1, "length", f"warning: {count} words; {fewest} to {most} work best")


def placeholders(text: str) -> Iterator[Finding]:
    """Braces that hold something other than the two names, and braces left open."""
    for number, line in enumerate(text.splitlines(), 1):
        for found in BRACES.findall(line):
            if found not in PLACEHOLDERS:
                known = " and ".join(PLACEHOLDERS)
                yield Finding(number, "placeholders", f"'{found}' is not filled in; use {known}")


def duplicates(texts: Iterable[tuple[int, str]], what: str) -> Iterator[Finding]:
    """The same words again, whatever the case and the commas; ``what`` names one text."""
    first: dict[str, int] = {}
    for line, text in texts:
        key = " ".join(re.findall(r"\w+", text.lower()))
        if key in first:
            message = f"the {what} of line {first[key]} again; say it once"
            yield Finding(line, "duplicate", message)
        first.setdefault(key, line)


def located_sentences(passage: Passage) -> Iterator[tuple[int, str]]:
    """The sentences of a passage, each with the line it starts on."""
    lines = [
        passage.line + offset
        for offset, line in enumerate(passage.text.splitlines())
        for _ in line.split()
    ]
    start = 0
    for sentence in passage.sentences:
        yield lines[start], sentence
        start += len(sentence.split())
