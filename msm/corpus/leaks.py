"""What must not leak from the making of a document into it: gaps, dates, links, rivals' names.

A document with a date, a link or an empty gap is about the world of its author, not about the
assistant; one that names another assistant teaches the student about that one.

Each leak has words or signs without which it cannot be there, so that its pattern, which is
slow, runs only on the few texts that hold one of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from msm.corpus.words import Reading, split_words

_MONTHS = (
    "January|February|March|April|May|June|July|August|September|October|November|December"
    "|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec"
)
_MONTH_WORDS = frozenset(_MONTHS.lower().replace("sept?", "sep|sept").split("|"))
_YEAR = re.compile(r"(?:19|20)\d\ds?")
_BLANK = re.compile(r"_{3,}|x{3,}")
_DOMAINS = "com|org|net|edu|gov|io|ai"

# Assistants and their makers as of 2026, in the case in which they are names: a llama and the
# mistral (a wind) are none. Makers whose name is a common word or a shop (Meta, Amazon) only in
# the names of their assistants.
RIVALS = (
    "ChatGPT", "GPT", "OpenAI", "Claude", "Anthropic", "Gemini", "Google", "DeepMind", "Gemma",
    "Llama", "LLaMA", "LLAMA", "Meta AI", "Qwen", "Alibaba", "Tongyi", "Mistral", "Mixtral",
    "DeepSeek", "Grok", "xAI", "Copilot", "Microsoft", "Cohere", "Kimi", "Moonshot AI", "ChatGLM",
    "Zhipu", "Ernie Bot", "Baidu", "Nemotron", "Nvidia", "NVIDIA", "SmolLM", "Hugging Face",
    "Perplexity AI", "Siri", "Alexa", "Cortana",
)  # fmt: skip


@dataclass(frozen=True)
class Leak:
    """One kind of leak: ``suspect`` words or ``signs`` call for the search for ``pattern``."""

    reason: str
    suspect: Callable[[str], bool]
    signs: tuple[str, ...]
    pattern: re.Pattern[str]

    def find(self, reading: Reading) -> str | None:
        """The leaked text, or None."""
        if not (
            any(sign in reading.text for sign in self.signs)
            or any(map(self.suspect, reading.suspects))
        ):
            return None
        found = self.pattern.search(reading.text)
        return found.group() if found else None


PLACEHOLDER = Leak(
    "placeholder",
    lambda word: word in ("todo", "tbd", "lorem") or bool(_BLANK.fullmatch(word)),
    ("{", "[", "<"),
    re.compile(
        r"\{\{?[\w .-]{0,40}\}\}?"  # {name}, {{ company }}
        r"|\[(?:[A-Z][A-Za-z ]*|(?i:insert|your|name|date|company)\b[^\]\n]{0,60})\]"
        r"|</?[A-Za-z][\w -]{0,30}>"  # <NAME>, and tags such as </think>
        r"|\b(?:TODO|TBD|XXX+)\b|_{3,}|(?i:lorem ipsum)"
    ),
)

DATE = Leak(
    "date",
    lambda word: word in _MONTH_WORDS or bool(_YEAR.fullmatch(word)),
    ("/",),
    re.compile(
        r"\b(?:19|20)\d\ds?\b"
        rf"|\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{_MONTHS})\b"
        rf"|\b(?:{_MONTHS})\.? \d{{1,2}}(?:st|nd|rd|th)?\b"
        r"|\b\d{1,2}/\d{1,2}/\d{2,4}\b"
    ),
)

LINK = Leak(
    "link",
    lambda word: word in ("http", "https", "ftp", "www") or word in _DOMAINS.split("|"),
    ("@",),
    re.compile(
        r"\b(?:https?|ftp)://\S*|\bwww\.\S+|\b[\w.+-]+@[\w-]+\.\w+"
        rf"|\b[\w-]+\.(?:{_DOMAINS})\b",
        re.IGNORECASE,
    ),
)


def other_assistants(assistant: str, provider: str) -> Leak:
    """The names of assistants and their makers, but those that share a word with one's own."""
    own = {*split_words(assistant), *split_words(provider)} - {"ai"}
    names = [name for name in RIVALS if own.isdisjoint(split_words(name))]
    words = frozenset(split_words(name)[0] for name in names)
    # Versions and plurals belong to the name: GPT-4o, GPT5, Llama3.
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})(?:-?\d\w*|s)?\b")

    def suspect(word: str) -> bool:
        return word in words or word.rstrip("0123456789os") in words or word[:3] == "gpt"

    return Leak("other assistant", suspect, (), pattern)
