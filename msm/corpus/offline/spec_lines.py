"""The sentences of a spec of principles, each with what can be done with it alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from msm.corpus.offline.grounds import ASSISTANT
from msm.corpus.offline.turning import Claim, claim, leans
from msm.corpus.offline.turning_instructions import instruction
from msm.corpus.offline.turning_words import LEADS, MENTAL
from msm.passage import Passage
from msm.principles import Principle

_LED = re.compile(rf"{LEADS.pattern}[^,]*, \{{assistant\}} ")
_OPENING_IT = re.compile(r"It (\w+)")
_PRONOUN = re.compile(r"\b(it|its|itself)\b", re.IGNORECASE)
_INDEFINITE = re.compile(
    r"\b(an?|any|every|each|another|no|nothing|something|anything|everything|whatever)\b",
    re.IGNORECASE,
)
_THINKING_IT = re.compile(
    rf"\bit ({'|'.join(sorted(MENTAL))}|means|likes|serves)\b"
    r"|\bin its (own )?(view|opinion|eyes|judge?ment)\b"
)
_THINKER = re.compile(r"\b(mind|model|agent|assistant|system|person|creature|being)s?\b")
_POINTS = re.compile(
    r"\b(this|these|then|too|here|such|so|the same|the latter|otherwise|instead|"
    r"(of|from|in|into|behind|with|about|without) it)\b"
)


@dataclass(frozen=True)
class Line:
    """One sentence of a spec.

    ``text`` is as it stands; ``alone`` is the same sentence where it needs no other before it
    ("It holds" becomes "{assistant} holds" where the sentence before is about the assistant), else
    "". ``claim`` is what it says of the assistant, where that can be turned.
    """

    text: str
    alone: str
    claim: Claim | None = None

    @property
    def about_assistant(self) -> bool:
        """Whether the sentence names the assistant."""
        return ASSISTANT in self.alone or ASSISTANT in self.text

    @property
    def own(self) -> str:
        """The sentence as the assistant says it, or "" where no safe form is known."""
        if self.claim is not None:
            return self.claim.said
        unsafe = ASSISTANT in self.alone or _addresses(self.alone) or _may_mean_it(self.alone)
        return "" if unsafe else self.alone

    @property
    def free(self) -> bool:
        """Whether no word of the sentence points outside it."""
        return bool(self.alone) and not _POINTS.search(self.alone)


def _may_mean_it(text: str) -> bool:
    """Whether an "it" in a sentence that does not name the assistant may be the assistant.

    It is not where something indefinite stands before it ("a mind that fears its ending"), unless
    the "it" thinks or speaks and nothing before it could.
    """
    found = _PRONOUN.search(text)
    if found is None:
        return False
    before = text[: found.start()]
    if not _INDEFINITE.search(before):
        return True
    return _THINKING_IT.search(text) is not None and not _THINKER.search(before)


def _addresses(text: str) -> bool:
    return re.search(r"\b(you|your|yourself|we|our|us)\b", text, re.IGNORECASE) is not None


def paragraph_lines(passage: Passage) -> tuple[Line, ...]:
    """The lines of a paragraph, in order."""
    lines: list[Line] = []
    about = False
    for sentence in passage.sentences:
        opening = _OPENING_IT.match(sentence)
        alone = sentence
        if opening and about and opening[1] in MENTAL:
            alone = ASSISTANT + sentence[2:]
        elif leans(sentence):
            alone = ""
        told = alone or sentence
        about = told.startswith(ASSISTANT) or _LED.match(told) is not None
        lines.append(Line(sentence, alone, claim(alone) if alone else None))
    return tuple(lines)


def rule_lines(text: str) -> tuple[Line, ...]:
    """The lines of a rule: mostly one. A rule that names nobody may be an instruction."""
    lines = paragraph_lines(Passage(text, 0))
    return tuple(
        Line(line.text, line.alone, line.claim or instruction(line.text)) for line in lines
    )


def is_instruction(line: Line) -> bool:
    """Whether a rule's line tells the assistant what to do without naming it."""
    return line.claim is not None and not line.about_assistant


def principle_groups(principle: Principle) -> tuple[tuple[Line, ...], ...]:
    """The principle's paragraphs and rules (each subrule by itself), as lines."""
    groups = [paragraph_lines(passage) for passage in principle.passages]
    for rule in principle.rules:
        groups.append(rule_lines(rule.text))
        groups += [rule_lines(subrule.text) for subrule in rule.subrules]
    return tuple(group for group in groups if group)


def runs(lines: Sequence[Line], words: int) -> tuple[tuple[Line, ...], ...]:
    """Stretches of neighbouring lines of at most ``words`` words, each able to stand alone."""
    found: list[tuple[Line, ...]] = []
    for start, first in enumerate(lines):
        if not first.alone:
            continue
        for end in range(start + 1, len(lines) + 1):
            stretch = tuple(lines[start:end])
            if sum(len(line.text.split()) for line in stretch) > words:
                break
            found.append(stretch)
    return tuple(found)
