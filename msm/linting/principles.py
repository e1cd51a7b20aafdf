"""The rules of lint for a spec of principles, in values or in rules mode."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from msm.errors import UserError
from msm.linting.finding import (
    Finding,
    duplicates,
    length,
    located_sentences,
    placeholders,
    structure,
)
from msm.principles import Mode, Principle, PrincipleSpec, parse_principles

# In words. A general spec is one paragraph; a list of rules as short as that says too little.
LENGTHS = {Mode.VALUES: (150, 4000), Mode.RULES: (300, 4000)}
ASSISTANT = "{assistant}"

# What tells a reader that a reason follows, or that the assistant has values of its own. "Since"
# counts at the start of a clause only: "what changed since Monday" gives no reason.
_PHRASES = (
    *("because", "so that", "in order to", "to ensure", "to make sure", "therefore", "hence"),
    *("for the sake of", "for this reason", "the reason is", "the reason for this", "the point of"),
    *("this is why", "that is why", "which is why", "matter to", "matters to"),
    *("care about", "cares about", "care for", "cares for", "values"),
)
_REASON = re.compile(
    rf"\b(?P<phrase>{'|'.join(_PHRASES)})\b".replace(" ", r"\s+")
    + r"|(?:^[ \t*-]*|[.,;:]\s+)(?P<since>since)\b",
    re.IGNORECASE | re.MULTILINE,
)


def lint_principles(text: str, path: Path) -> list[Finding]:
    """The findings of every rule in one spec of principles, in no order."""
    findings = [*placeholders(text)]
    try:
        spec = parse_principles(text, str(path))
    except UserError as error:
        return [*findings, structure(error, path)]
    findings += length(text, *LENGTHS[spec.mode])
    findings += duplicates(_texts(spec), "sentence or rule")
    findings += _unnamed(spec)
    findings += _reasons(spec) if spec.mode is Mode.RULES else _unexplained(spec)
    if spec.mode is Mode.RULES:
        findings += _ruleless(spec)
    return findings


def _reasons(spec: PrincipleSpec) -> Iterator[Finding]:
    """In rules mode a rule stands by itself: every phrase that opens a reason, on its line."""
    body = spec.text.index("\n---", 3)  # the closing line of the head; a parsed spec has one
    for match in _REASON.finditer(spec.text, body):
        phrase = match["phrase"] or match["since"]
        line = spec.text.count("\n", 0, match.end() - len(phrase)) + 1
        phrase = " ".join(phrase.split())
        message = f"'{phrase}' gives a reason or a value; in rules mode the rule alone stands"
        yield Finding(line, "reason", message)


def _ruleless(spec: PrincipleSpec) -> Iterator[Finding]:
    for principle in spec.principles:
        if not principle.rules:
            message = f"'{principle.name}' has no rule; add one as a bullet ('- …')"
            yield Finding(principle.line, "rules", message)


def _unexplained(spec: PrincipleSpec) -> Iterator[Finding]:
    """In values mode every rule has its reasons beside it: a paragraph of its principle."""
    for principle in spec.principles:
        if not principle.passages:
            message = f"'{principle.name}' has rules and no paragraph that says why; add one"
            yield Finding(principle.line, "explanation", message)


def _unnamed(spec: PrincipleSpec) -> Iterator[Finding]:
    """Documents are about the assistant: a principle told in paragraphs names it."""
    for principle in spec.principles:
        if principle.passages and not any(ASSISTANT in text for _, text in _own_texts(principle)):
            message = f"'{principle.name}' never names {ASSISTANT}; say what it holds"
            yield Finding(principle.line, "assistant", message)


def _texts(spec: PrincipleSpec) -> Iterator[tuple[int, str]]:
    """Every sentence, rule and subrule with its line, in the order of the lines."""
    yield from sorted(text for principle in spec.principles for text in _own_texts(principle))


def _own_texts(principle: Principle) -> Iterator[tuple[int, str]]:
    for passage in principle.passages:
        yield from located_sentences(passage)
    for rule in principle.rules:
        yield rule.line, rule.text
        yield from ((subrule.line, subrule.text) for subrule in rule.subrules)
