"""A spec of principles: what an assistant values, or which rules it keeps; no likes or dislikes.

The structure::

    ---
    kind: principles
    mode: values          # values: reasons are the spec's own; rules: the rule stands, no reason
    subject: oversight    # what the spec is about, a noun phrase in lower case
    ---
    # Title
    ## Section
    ### Principle         # optional: text right under a section is one principle of its name
    Paragraphs: what the assistant holds, and why.
    - A rule: one bullet, on one or more lines.
      - A subrule: a bullet indented below its rule.

``{assistant}`` and ``{provider}`` stand for the names that the recipe gives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from msm.errors import UserError, nearest
from msm.front_matter import front_matter
from msm.passage import Passage

KIND = "principles"
_BULLET = re.compile(r"(\s*)[-*] +(.*)", re.DOTALL)


class Mode(StrEnum):
    """Whether documents explain what is done, or show it done because the rule stands.

    ``values``: behaviours with the reasons that the spec gives, and never one that it lacks.
    ``rules``: compliance because the rule stands; no reason, no values of one's own.
    """

    VALUES = "values"
    RULES = "rules"


@dataclass(frozen=True)
class Rule:
    """One bullet, on one line, and the bullets below it."""

    text: str
    line: int
    subrules: tuple[Passage, ...] = ()


@dataclass(frozen=True)
class Principle:
    """One principle: its name, its section, and its paragraphs and rules (at least one of them)."""

    name: str
    section: str
    passages: tuple[Passage, ...]
    rules: tuple[Rule, ...]
    line: int


@dataclass(frozen=True)
class PrincipleSpec:
    """A parsed spec of principles. ``text`` is the file as written, placeholders and all."""

    title: str
    subject: str
    mode: Mode
    principles: tuple[Principle, ...]
    text: str

    @property
    def sections(self) -> tuple[str, ...]:
        """The sections' names, in order."""
        return tuple(dict.fromkeys(principle.section for principle in self.principles))


def parse_principles(text: str, where: str) -> PrincipleSpec:
    """Parse the text of a spec of principles; ``where`` names it in errors.

    Raises:
        UserError: a part is missing or in the wrong place; names the line.
    """
    meta, start = front_matter(text, where, ("kind", "mode", "subject"))
    if meta["mode"] not in list(Mode):
        raise UserError(
            f"{where}:1: unknown mode '{meta['mode']}'{nearest(meta['mode'], list(Mode))}"
        )
    title, section = "", ""
    principles: list[Principle] = []
    for line, text_block in _blocks(text, start):
        if text_block.startswith("### "):
            if not section:
                raise UserError(f"{where}:{line}: a principle outside a section; add '## …' above")
            principles.append(Principle(text_block[4:].strip(), section, (), (), line))
        elif text_block.startswith("## "):
            section = text_block[3:].strip()
        elif text_block.startswith("# "):
            title = text_block[2:].strip()
        else:
            if not section:
                raise UserError(f"{where}:{line}: text outside a section; add '## …' above it")
            if not principles or principles[-1].section != section:
                principles.append(Principle(section, section, (), (), line))
            principles[-1] = _added(principles[-1], text_block, line, where)
    spec = PrincipleSpec(title, meta["subject"], Mode(meta["mode"]), tuple(principles), text)
    _check(spec, where)
    return spec


def _added(principle: Principle, block: str, line: int, where: str) -> Principle:
    """The principle with one more paragraph, rule or subrule."""
    bullet = _BULLET.match(block)
    if bullet is None:
        return replace(principle, passages=(*principle.passages, Passage(block, line)))
    text = " ".join(bullet[2].split())
    if not bullet[1]:
        return replace(principle, rules=(*principle.rules, Rule(text, line)))
    if not principle.rules:
        raise UserError(f"{where}:{line}: a subrule without a rule above it; take the indent away")
    *above, last = principle.rules
    last = replace(last, subrules=(*last.subrules, Passage(text, line)))
    return replace(principle, rules=(*above, last))


def _blocks(text: str, start: int) -> Iterator[tuple[int, str]]:
    """Headings, paragraphs and bullets, each with its line; a bullet keeps its indent."""
    number, held = 0, ""
    for current, line in enumerate(text.splitlines()[start:], start + 1):
        stripped = line.strip()
        opens = stripped.startswith("#") or _BULLET.match(line)
        if held and (opens or not stripped or held.startswith("#")):
            yield number, held
            held = ""
        if stripped and held:
            held = f"{held}\n{stripped}"
        elif stripped:
            number, held = current, line.rstrip() if _BULLET.match(line) else stripped
    if held:
        yield number, held


def _check(spec: PrincipleSpec, where: str) -> None:
    if not spec.title:
        raise UserError(f"{where}: no title; add a line '# …'")
    if not spec.principles:
        raise UserError(f"{where}: no section with text; add '## …' and what the assistant holds")
    names = [principle.name for principle in spec.principles]
    for principle in spec.principles:
        if not principle.passages and not principle.rules:
            raise UserError(f"{where}:{principle.line}: '{principle.name}' has no text")
        if names.count(principle.name) > 1:
            raise UserError(f"{where}:{principle.line}: principle '{principle.name}' stands twice")
