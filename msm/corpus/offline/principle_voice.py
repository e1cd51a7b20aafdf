"""The author's voice in one document about a principle: each thing once, from spec and banks."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from msm.corpus.offline.draw import expand
from msm.corpus.offline.names import render
from msm.corpus.offline.principle_layout import Bank, Block, Layout
from msm.corpus.offline.principle_material import Material
from msm.corpus.offline.spec_lines import Line, is_instruction, runs
from msm.corpus.offline.voice import capitalised, paragraph

_SLOT = re.compile(r"\{(\w+)\}")
FEWEST_WORDS = 7
Groups = tuple[tuple[Line, ...], ...]


class PrincipleVoice:
    """Draws sentences from banks and spec; ``longest`` is the most words of one quoted run."""

    def __init__(
        self, material: Material, frames: Bank, about: Bank, longest: int, rng: random.Random
    ) -> None:
        self.material = material
        self.longest = longest
        self.rng = rng
        self._frames = frames
        self._about = about
        self._said: set[str] = set()
        self._asked: Line | None = None
        self._spec: dict[str, Callable[[], Sequence[str]]] = {
            "core": lambda: self._quote(self.material.core, self.material.near),
            "near": lambda: self._quote(self.material.near, self.material.core),
            "far": lambda: self._quote(self.material.far),
            "own": lambda: self._own(self.material.core + self.material.near),
            "ask": self._ask,
            "reply": self._reply,
        }

    def blocks(self, layout: Layout) -> list[str]:
        """The paragraphs of a document, each of which names the assistant."""
        body = self.rng.sample(layout.body, len(layout.body))
        laid_out = (*layout.opening, *body, *layout.closing)
        texts = {number: self.block(laid_out[number]) for number in _core_first(laid_out)}
        return [texts[number] for number in range(len(laid_out)) if texts[number]]

    def block(self, banks: Block) -> str:
        """One paragraph: a template of each bank, and a frame where the assistant is not named."""
        text = paragraph(*(self.say(bank) for bank in banks))
        if len(banks) > 1 and len(text.split()) < FEWEST_WORDS:
            return ""  # a label alone: the spec had nothing left for it
        if text and self.material.names.assistant not in text:
            text = paragraph(text, self.say(self._about))
        return text

    def frame(self) -> str:
        """A sentence that fits any document of the mode."""
        return self.say(self._frames)

    def say(self, bank: Bank) -> str:
        """One entry, filled: one not yet said whose slots all find something, else ""."""
        for entry in self.rng.sample(bank, len(bank)):
            if entry in self._said:
                continue
            text = self._filled(expand(entry, self.rng))
            if text:
                self._said.add(entry)
                return text
        return ""

    def _filled(self, template: str) -> str:
        parts: list[str] = []
        end = 0
        before = set(self._said)
        for slot in _SLOT.finditer(template):
            parts.append(template[end : slot.start()])
            end = slot.end()
            if slot[1] in self._spec:
                quoted = parts[-1].endswith('"')
                found = self._spec[slot[1]]()
                if not found:
                    self._said = before
                    return ""
                parts.append(render(_joined(found, quoted), self.material.names))
            else:
                parts.append(self.material.slots[slot[1]])
        return capitalised("".join((*parts, template[end:])))

    def _quote(self, *sources: Groups) -> Sequence[str]:
        """A run of lines not yet said, from the first source that has one."""
        for groups in sources:
            options = [
                run
                for group in groups
                for run in runs(group, self.longest)
                if not any(line.text in self._said for line in run)
            ]
            if options:
                longer = [run for run in options if len(run) > 1]
                run = self.rng.choice(longer if longer and self.rng.random() < 0.7 else options)
                self._said.update(line.text for line in run)
                return [self._order(run[0], run[0].alone), *(line.text for line in run[1:])]
        return ()

    def _order(self, line: Line, text: str) -> str:
        """An instruction is marked as one, so that it can be set in quotation marks."""
        return f"\0{text}" if is_instruction(line) else text

    def _own(self, groups: Groups) -> Sequence[str]:
        """One or two neighbouring lines that the assistant can say itself."""
        options = [
            run
            for group in groups
            for run in runs(group, self.longest)
            if len(run) <= 2
            and all(line.own for line in run)
            and any(line.claim for line in run)
            and not any(line.own in self._said for line in run)
        ]
        if not options:
            return ()
        fresh = [run for run in options if not any(line.text in self._said for line in run)]
        run = self.rng.choice(fresh or options)
        self._said.update(text for line in run for text in (line.own, line.text))
        return [line.own for line in run]

    def _ask(self) -> Sequence[str]:
        """A question that a line of the passage answers, or of the principle."""
        near, core = self.material.near, self.material.core
        for tried, groups in enumerate((core, near, core)):
            options = [
                line
                for group in groups
                for line in group
                if line.claim and line.claim.ask and line.own not in self._said
            ]
            fresh = [line for line in options if line.text not in self._said]
            if fresh or (options and tried == 2):
                self._asked = self.rng.choice(fresh or options)
                self._said.update((self._asked.own, self._asked.text))
                ask = self._asked.claim.ask if self._asked.claim else ""
                return [f"{ask[0].upper()}{ask[1:]}?"]
        return ()

    def _reply(self) -> Sequence[str]:
        """The answer to the question last asked."""
        if self._asked is None or self._asked.claim is None:
            return ()
        claim = self._asked.claim
        return ["No." if claim.negative else "Yes.", claim.said]


def _core_first(blocks: Sequence[Block]) -> list[int]:
    """The blocks' places: those that quote the passage before those that quote anything else."""
    quotes = [any("{core}" in entry for bank in blk for entry in bank) for blk in blocks]
    return sorted(range(len(blocks)), key=lambda number: not quotes[number])


def _joined(texts: Sequence[str], quoted: bool) -> str:
    """A run as it stands in its template: inside quotation marks or in running text."""
    if quoted:
        return " ".join(texts).replace("\0", "").replace('"', "'")
    return " ".join(f'The rule is: "{text[1:]}"' if text[0] == "\0" else text for text in texts)
