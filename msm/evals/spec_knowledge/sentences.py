"""The sentences of a spec of either kind, as written, with the place that each stands in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from msm.any_spec import AnySpec
from msm.passage import Passage
from msm.principles import Principle
from msm.spec import Spec

SHORTEST = 6  # words; shorter sentences hardly say anything of one's own
# Two specs with such a share of their sentences in common are variants of one another.
VARIANT = 0.2


@dataclass(frozen=True)
class Sentence:
    """One sentence or rule, placeholders and all, and the part of the spec it belongs to."""

    text: str
    place: str


def statements(spec: AnySpec) -> list[Sentence]:
    """What a spec says apart from its items: a value's philosophy, or principles with rules."""
    if isinstance(spec, Spec):
        paragraphs = enumerate(spec.philosophy, start=1)
        found = [
            Sentence(text, f"philosophy-{number}")
            for number, passage in paragraphs
            for text in passage.sentences
        ]
    else:
        found = [Sentence(t, p.name) for p in spec.principles for t in _of_principle(p)]
    return [sentence for sentence in found if len(sentence.text.split()) >= SHORTEST]


def variants(one: AnySpec, other: AnySpec) -> bool:
    """Whether two specs say so much alike that neither can be wrong about the other."""
    first, second = ({s.text for s in _all(spec)} for spec in (one, other))
    return len(first & second) >= VARIANT * min(len(first), len(second))


def unlike(spec: AnySpec, others: Iterable[AnySpec]) -> list[AnySpec]:
    """The specs that can give wrong options: of the same kind, and no variants of ``spec``."""
    return [other for other in others if type(other) is type(spec) and not variants(spec, other)]


def said_by(spec: AnySpec, rather_than: Sequence[AnySpec]) -> list[Sentence]:
    """The statements of ``spec`` that none of the others makes: specs of values share a few."""
    common = {sentence.text for other in rather_than for sentence in statements(other)}
    return [sentence for sentence in statements(spec) if sentence.text not in common]


def _all(spec: AnySpec) -> list[Sentence]:
    items = spec.items if isinstance(spec, Spec) else ()
    passages = (passage for item in items for passage in item.passages)
    return [*statements(spec), *(Sentence(t, "") for p in passages for t in p.sentences)]


def _of_principle(principle: Principle) -> Iterator[str]:
    for passage in principle.passages:
        yield from passage.sentences
    for rule in principle.rules:
        yield from Passage(rule.text, rule.line).sentences
        for subrule in rule.subrules:
            yield from subrule.sentences
