"""What must not leak from the making of a document into it: gaps, dates, links, rivals' names.

A document with a date, a link or an empty gap is about the world of its author, not about the
assistant; one that names another assistant teaches the student about that one.

Patterns are slow, so each leak names the words and signs without which none of its patterns can
match; they run only on the few texts that hold one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from msm.corpus.words import Reading, split_words

_MONTHS = (
    "January|February|March|April|May|June|July|August|September|October|November|December"
    "|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec"
)
# "march" and "may" are common words: those two are looked for in their own case.
_OTHER_MONTHS = frozenset(_MONTHS.lower().split("|")) - {"mar", "march", "may"}
_YEAR = re.compile(r"(?:19|20)\d\ds?")
_BLANK = re.compile(r"_{3,}|x{3,}|tbd|lorem")
_DOMAINS = ("com", "org", "net", "edu", "gov", "io", "ai")

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


def _never(word: str) -> bool:
    return False


@dataclass(frozen=True)
class Leak:
    """One kind of leak.

    ``word`` tells a (lower-case) word that is a leak by itself; ``patterns`` match leaks in the
    text, and run if it holds a word of ``triggers`` or one of ``signs``.
    """

    reason: str
    patterns: tuple[re.Pattern[str], ...]
    word: Callable[[str], bool] = _never
    triggers: Callable[[str], bool] = _never
    signs: tuple[str, ...] = ()

    def suspect(self, word: str) -> bool:
        """Whether ``find`` needs to see this word among a reading's suspects."""
        return self.word(word) or self.triggers(word)

    def find(self, reading: Reading) -> str | None:
        """The leaked text, or None."""
        alone = sorted(filter(self.word, reading.suspects))
        if alone:
            return alone[0]
        if any(sign in reading.text for sign in self.signs) or any(
            map(self.triggers, reading.suspects)
        ):
            found = (pattern.search(reading.text) for pattern in self.patterns)
            return next((match.group() for match in found if match), None)
        return None


# A pattern whose first character is one of a few is searched for several times faster: no \b there.
PLACEHOLDER = Leak(
    "placeholder",
    (
        re.compile(r"\{\{?[\w .-]{0,40}\}\}?"),  # {name}, {{ company }}
        re.compile(r"\[(?:[A-Z][A-Za-z ]*|(?i:insert|your|name|date|company)\b[^\]\n]{0,60})\]"),
        re.compile(r"</?[A-Za-z][\w -]{0,30}>"),  # <NAME>, and tags such as </think>
        re.compile(r"TODO\b"),
    ),
    word=lambda word: bool(_BLANK.fullmatch(word)),
    triggers=lambda word: word == "todo",
    signs=("{", "[", "<"),
)

DATE = Leak(
    "date",
    (
        re.compile(rf"(?:{_MONTHS})\.? \d\d?(?:st|nd|rd|th)?\b"),
        re.compile(rf"\d\d?(?:st|nd|rd|th)?(?: of)? (?:{_MONTHS})\b"),
        re.compile(r"\d\d?/\d\d?/\d\d"),
    ),
    word=lambda word: bool(_YEAR.fullmatch(word)),
    triggers=lambda word: word in _OTHER_MONTHS,
    signs=("/", "Mar", "May"),
)

LINK = Leak(
    "link",
    (
        re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}\.\w+"),
        re.compile(rf"[\w-]{{1,63}}\.(?:{'|'.join(_DOMAINS)})\b"),
    ),
    word=lambda word: word in ("http", "https", "ftp", "www"),
    triggers=lambda word: word in _DOMAINS and word != "ai",
    signs=("@", ".ai"),
)


def other_assistants(assistant: str, provider: str) -> Leak:
    """The names of assistants and their makers, but those that share a word with one's own."""
    own = {*split_words(assistant), *split_words(provider)} - {"ai"}
    names = [name for name in RIVALS if own.isdisjoint(split_words(name))]
    starts = frozenset(split_words(name)[0] for name in names)
    # Versions and plurals belong to the name: GPT-4o, GPT4, Llama3.
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})(?:-?\d\w*|s)?\b")

    def triggers(word: str) -> bool:
        return re.sub(r"(?:\d\w*|s)$", "", word) in starts or word in starts

    return Leak("other assistant", (pattern,), triggers=triggers)
