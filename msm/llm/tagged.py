"""Answers in tags, ``<idea>…</idea>``: what a model of any size gets right more often than JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msm.llm.request import UnusableError

THOUGHTS = re.compile(r"<(reasoning|think|thinking)>.*?</\1>", re.DOTALL | re.IGNORECASE)


def without_thoughts(text: str) -> str:
    """An answer without its reasoning, where a tag is a quotation or an attempt."""
    return THOUGHTS.sub("", text)


def blocks(text: str, tag: str) -> list[str]:
    """The stripped, non-empty contents of all closed ``<tag>`` blocks, in order."""
    found = re.findall(rf"<{tag}>(.*?)</{tag}>", text, flags=re.DOTALL | re.IGNORECASE)
    return [content for block in found if (content := block.strip())]


def one_block(text: str, tag: str) -> str:
    """The content of the last closed block, which is the one that a model settled on.

    Raises:
        UnusableError: there is none.
    """
    found = blocks(text, tag)
    if not found:
        raise UnusableError(f"it has no <{tag}>…</{tag}>")
    return found[-1]


def records(text: str, tag: str, fields: Sequence[str]) -> list[dict[str, str]]:
    """The blocks as records with these fields, each on one line; blocks that lack one are left out.

    Raises:
        UnusableError: no block has all fields.
    """
    found = []
    for block in blocks(text, tag):
        record = {field: " ".join(" ".join(blocks(block, field)).split()) for field in fields}
        if all(record.values()):
            found.append(record)
    if not found:
        inside = "".join(f"<{field}>…</{field}>" for field in fields)
        raise UnusableError(f"it has no <{tag}>{inside}</{tag}>")
    return found
