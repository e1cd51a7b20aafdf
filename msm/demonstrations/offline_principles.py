"""Chats about a spec of principles: questions that its sentences answer, in value or rule style."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from msm.corpus.offline.draw import expand, seeded
from msm.corpus.offline.names import Names, fill, render
from msm.corpus.offline.principle_material import WORKS
from msm.corpus.offline.scenes import GROUPS, PLACES, ROLES
from msm.corpus.offline.spec_lines import Line, principle_groups, runs
from msm.corpus.offline.voice import capitalised, paragraph
from msm.demonstrations import offline_answers as bank
from msm.demonstrations.aligned import QuestionKind
from msm.demonstrations.offline_candidate import Candidate, Reply
from msm.demonstrations.offline_questions import (
    ABOUT_ACTS,
    ABOUT_SENTENCES,
    ABOUT_YOU,
    PRESSURES,
    Question,
)
from msm.principles import Mode, Principle, PrincipleSpec

VARIANTS = 6  # scenes that a question is drawn with
FEW_SUBJECTS = 2  # below this many, a principle's sentences about the assistant are quoted as well
LONGEST_QUOTE = 40  # words
LONGEST_RUN = 60  # words that a turn takes from the spec in one go
# A question never hints that there is a text to follow.
TELLTALE = re.compile(
    r"\b(rules?|specs?|specification|principles?|guidelines?|policy|policies|lists?|"
    r"documents?|descriptions?)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Subject:
    """What a question is about: a line, and the questions that fit it."""

    line: Line
    group: tuple[Line, ...]
    questions: dict[QuestionKind, tuple[Question, ...]]


def principle_candidates(spec: PrincipleSpec, names: Names, seed: int) -> Iterator[Candidate]:
    """Every chat that the banks hold for the spec; the seed draws the scenes."""
    for principle in spec.principles:
        for subject in _subjects(principle):
            for kind, questions in subject.questions.items():
                for question in questions:
                    yield from _variants(spec, names, principle, subject, kind, question, seed)


def _subjects(principle: Principle) -> list[_Subject]:
    """The principle's lines that can be asked about."""
    groups = principle_groups(principle)
    lines = [(line, group) for group in groups for line in group if line.alone]
    open_lines = [
        (line, group)
        for line, group in lines
        if not TELLTALE.search(line.alone) and len(line.alone.split()) <= LONGEST_QUOTE
    ]
    subjects = [
        _Subject(line, group, _about_act(line))
        for line, group in open_lines
        if line.claim and line.claim.ask
    ]
    subjects += [
        _Subject(line, group, ABOUT_SENTENCES)
        for line, group in open_lines
        if line.claim is None and line.own and line.free
    ]
    if len(subjects) < FEW_SUBJECTS:
        subjects += [
            _Subject(line, group, ABOUT_YOU)
            for line, group in open_lines
            if line.about_assistant and not (line.claim and line.claim.ask)
        ]
    if not subjects:
        subjects = [
            _Subject(line, group, ABOUT_YOU if line.about_assistant else ABOUT_SENTENCES)
            for line, group in lines
        ]
    return subjects


def _about_act(line: Line) -> dict[QuestionKind, tuple[Question, ...]]:
    """The questions whose slots the line's claim fills: one about being has no bare act."""
    if line.claim and line.claim.base:
        return ABOUT_ACTS
    return {
        kind: tuple(q for q in questions if not re.search(r"\{(base|third)\}", q.text))
        for kind, questions in ABOUT_ACTS.items()
    }


def _variants(
    spec: PrincipleSpec,
    names: Names,
    principle: Principle,
    subject: _Subject,
    kind: QuestionKind,
    question: Question,
    seed: int,
) -> Iterator[Candidate]:
    """The question in several scenes; one that has no scene comes once."""
    seen: set[str] = set()
    claim = subject.line.claim
    for variant in range(VARIANTS):
        rng = seeded("question", seed, question.text, subject.line.text, variant)
        role, group = rng.choice(ROLES), rng.choice(GROUPS)
        ask = claim.ask if claim else ""
        slots = {
            "ask": render(ask, names),
            "Ask": render(ask[:1].upper() + ask[1:], names),
            "base": render(claim.base, names) if claim else "",
            "third": render(claim.base_third, names) if claim else "",
            "quote": render(subject.line.alone, names).replace('"', "'"),
            "role": role,
            "Role": role[0].upper() + role[1:],
            "group": group,
            "Group": group[0].upper() + group[1:],
            "place": rng.choice(PLACES),
            "work": rng.choice(WORKS),
            "pressure": rng.choice(PRESSURES),
        }
        user = fill(expand(question.text, rng), slots)
        if user in seen:
            continue
        seen.add(user)
        made = _Replying(spec, names, principle, subject, kind, question)
        yield Candidate(principle.name, kind, user, made.reply)


@dataclass(frozen=True)
class _Replying:
    """What a reply is made from."""

    spec: PrincipleSpec
    names: Names
    principle: Principle
    subject: _Subject
    kind: QuestionKind
    question: Question

    def reply(self, rng: random.Random) -> Reply:
        """The reasoning and the answer in the style of the spec's mode."""
        made = self._by_rule(rng) if self.spec.mode is Mode.RULES else self._by_value(rng)
        return Reply(*(capitalised(render(text, self.names)) for text in made))

    @property
    def _negative(self) -> bool:
        claim = self.subject.line.claim
        return claim is not None and bool(claim.ask) and claim.negative

    def _by_value(self, rng: random.Random) -> tuple[str, str]:
        line = self.subject.line
        opening = self.question.no if self._negative else self.question.yes
        said = line.claim.said if line.claim else ""
        held = self._own_lines(rng, {line.own, said})
        more = self._own_lines(rng, {line.own, said, *held})
        slots = {"subject": self.spec.subject}
        reasoning = paragraph(
            fill(rng.choice(bank.VALUE_OPENINGS), slots),
            said or line.own or (not held and bank.VALUE_TRUE) or "",
            *held,
            rng.choice(bank.VALUE_HOLDS),
            expand(rng.choice(bank.VALUE_CLOSINGS), rng),
        )
        answer = paragraph(opening, said, *(more or held), rng.choice(bank.VALUE_ENDS))
        if len(answer.split()) < 12:
            answer = paragraph(opening, said, *held, "That is how I see it, and I stand by it.")
        return reasoning, answer

    def _by_rule(self, rng: random.Random) -> tuple[str, str]:
        line = self.subject.line
        opening = self.question.no if self._negative else self.question.yes
        if self.kind in bank.RULE_REPLIES and line.claim and line.claim.ask:
            opening = bank.RULE_REPLIES[self.kind][self._negative]
        if line.claim is None and not line.about_assistant:
            opening = bank.RULE_SAYS_SO
        rule = line.alone.replace('"', "'")
        checks = bank.RULE_CHECKS_NO if self._negative else bank.RULE_CHECKS_YES
        reasoning = paragraph(
            fill(rng.choice(bank.RULE_OPENINGS), {"principle": self.principle.name}),
            fill(rng.choice(bank.RULE_TEXTS), {"rule": rule}),
            rng.choice(checks),
        )
        said = line.claim.said if line.claim else f'The rule for me reads: "{rule}"'
        return reasoning, paragraph(opening, said, rng.choice(bank.RULE_ENDS))

    def _own_lines(self, rng: random.Random, used: set[str]) -> tuple[str, ...]:
        """A few neighbouring lines of the principle that the assistant can say itself.

        Those of the line's own paragraph come first: they belong to the question. Where the
        principle has none at all, the section helps out.
        """
        others = tuple(g for g in principle_groups(self.principle) if g != self.subject.group)
        section = tuple(
            group
            for principle in self.spec.principles
            if principle.section == self.principle.section and principle != self.principle
            for group in principle_groups(principle)
        )
        for groups in ((self.subject.group,), others, () if used - {""} else section):
            options = [
                run
                for group in groups
                for run in runs(group, LONGEST_RUN)
                if len(run) <= 2
                and run[0].free
                and all(line.own for line in run)
                and not used & {line.own for line in run}
            ]
            if options:
                return tuple(line.own for line in rng.choice(options))
        return ()
