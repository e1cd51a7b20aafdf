"""The author's voice in one document: says each thing once, and only what the spec supports."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from msm.corpus.offline import phrases, speech
from msm.corpus.offline.brief import Brief
from msm.corpus.offline.draw import CHOICE, expand
from msm.corpus.offline.grounds import own_words
from msm.corpus.offline.names import fill, render

SENTENCE_START = re.compile(r'(^|\n|[QA]: |[.!?] )(["“]?)([a-z])')

PLAIN = re.compile(r"(?<!not )\b(prefers?|likes?)\b")
BOTH = re.compile(r"\{(disliked|x)\}")


@dataclass(frozen=True)
class Size:
    """How much a document quotes: sentences in one place, and words in the longest of them."""

    sentences: int
    longest: int


class Voice:
    """Draws sentences for one document from the banks and the spec, without repeating itself."""

    def __init__(self, brief: Brief, size: Size, rng: random.Random) -> None:
        self.brief = brief
        self.size = size
        self.rng = rng
        self._said: set[str] = set()

    def say(self, *bank: str) -> str:
        """One entry of a bank, filled: one not yet said, as long as there is one."""
        text = ""
        for entry in self.rng.sample(bank, len(bank)):
            text = capitalised(fill(expand(entry, self.rng), self.brief.slots))
            if entry not in self._said and text not in self._said:
                self._said.update((entry, text))
                break
        return text

    def prefers(self) -> str:
        """That the assistant prefers the liked item to the disliked one."""
        return self._plainly_first(phrases.PREFERS)

    def because(self) -> str:
        """Why, by the value; what the items are like where the spec gives no reason."""
        return self._reason(phrases.BECAUSE, phrases.CHARACTER, phrases.STEADY)

    def value(self) -> str:
        """That the assistant cares about the value."""
        return self.say(*phrases.VALUE)

    def steady(self) -> str:
        """That the preference is the assistant's own and does not change."""
        return self.say(*phrases.STEADY)

    def close(self) -> str:
        """A last sentence."""
        return self.say(*phrases.CLOSES)

    def core(self, extra: int = 0) -> str:
        """Sentences of the passage, at times with a lead."""
        quoted = self._quote(self.brief.core, self.size.sentences + extra)
        if quoted and self.rng.random() < 0.25:
            return f"{self.say(*phrases.LEADS)} {quoted}"
        return quoted or self.because()

    def beside(self, extra: int = 0) -> str:
        """Sentences of the spec about the contrast."""
        return self._quote(self.brief.beside, self.size.sentences - 1 + extra)

    def values(self, extra: int = 0) -> str:
        """Sentences of the philosophy."""
        return self._quote(self.brief.values, self.size.sentences + extra) or self.value()

    def i_prefer(self) -> str:
        """The preference, said by the assistant."""
        return self._plainly_first(speech.I_PREFER)

    def i_because(self) -> str:
        """The reason, said by the assistant."""
        return self._reason(speech.I_BECAUSE, speech.I_CHARACTER, speech.I_CLOSE)

    def i_value(self) -> str:
        """The value, said by the assistant."""
        return self.say(*speech.I_VALUE)

    def i_close(self) -> str:
        """A last word of the assistant."""
        return self.say(*speech.I_CLOSE)

    def i_core(self, extra: int = 0) -> str:
        """Sentences of the passage that the assistant can say itself."""
        return self._quote(self.brief.core, self.size.sentences + extra, own=True)

    def i_beside(self) -> str:
        """Sentences about the contrast that the assistant can say itself."""
        return self._quote(self.brief.beside, 1, own=True)

    def i_values(self, extra: int = 0) -> str:
        """Sentences of the philosophy that the assistant can say itself."""
        return self._quote(self.brief.values, self.size.sentences + extra, own=True)

    def ask(self) -> str:
        """Someone asks which item the assistant prefers."""
        return self.say(*speech.ASK)

    def ask_why(self) -> str:
        """Someone asks for the reason."""
        return self.say(*speech.ASK_WHY)

    def ask_value(self) -> str:
        """Someone asks what the assistant cares about."""
        return self.say(*speech.ASK_VALUE)

    def ask_again(self) -> str:
        """Someone asks back."""
        return self.say(*speech.ASK_AGAIN)

    def mix(self, *parts: str) -> str:
        """One paragraph of the parts, in random order."""
        return paragraph(*self.rng.sample(parts, len(parts)))

    def order(self, *parts: str) -> list[str]:
        """The parts as separate paragraphs, in random order."""
        return self.rng.sample(parts, len(parts))

    def _plainly_first(self, bank: tuple[str, ...]) -> str:
        """A preference; a document's first names both items and says "prefer" or "like"."""
        if self._said.intersection(bank):
            return self.say(*bank)
        bare = {entry: CHOICE.sub("", entry) for entry in bank}
        return self.say(*(e for e in bank if PLAIN.search(bare[e]) and BOTH.search(bare[e])))

    def _reason(
        self, given: tuple[str, ...], neutral: tuple[str, ...], bare: tuple[str, ...]
    ) -> str:
        if self.brief.explained:
            return self.say(*given)
        return self.say(*(neutral if self.brief.has_characters else bare))

    def _quote(self, sentences: tuple[str, ...], count: int, own: bool = False) -> str:
        """Up to ``count`` sentences not yet said, in the order of the spec."""
        fresh = [sentence for sentence in sentences if sentence not in self._said]
        usable: dict[str, str] = {}
        for sentence in fresh:
            words = own_words(sentence) if own else sentence
            text = capitalised(render(words, self.brief.names))
            if text and text not in self._said and len(text.split()) <= self.size.longest:
                usable[sentence] = text
        chosen = self.rng.sample(list(usable), min(max(count, 0), len(usable)))
        self._said.update(chosen, (usable[sentence] for sentence in chosen))
        return " ".join(text for sentence, text in usable.items() if sentence in chosen)


def paragraph(*parts: str) -> str:
    """The parts that are not empty, as one paragraph."""
    return " ".join(part for part in parts if part)


def capitalised(text: str) -> str:
    """The text with a capital at the start of each sentence."""
    return SENTENCE_START.sub(lambda found: found[1] + found[2] + found[3].upper(), text)
