"""The questions on a spec of either kind, made from its own words, always the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from msm.any_spec import AnySpec, read_any_spec
from msm.errors import UserError
from msm.evals.spec_knowledge.about_items import item_questions
from msm.evals.spec_knowledge.about_statements import statement_questions
from msm.evals.spec_knowledge.question import Question
from msm.evals.spec_knowledge.sentences import unlike
from msm.spec import Spec

SPECS = Path(__file__).parents[2] / "specs"  # a link in a checkout, the files in a wheel


def spec_questions(
    spec: AnySpec, others: Sequence[AnySpec], name: str, assistant: str, provider: str
) -> list[Question]:
    """All questions on a spec; ids and clusters begin with ``name``.

    Args:
        spec: what the model may know.
        others: specs to take wrong options from; variants of ``spec`` and specs of the other kind
            are left out, since what they say may be right, or tell itself by its form.
        name: of the spec, to tell its questions from those of another.
        assistant: the assistant's name, in place of ``{assistant}``.
        provider: its maker's name, in place of ``{provider}``.

    Raises:
        UserError: no other spec can give wrong options.
    """
    usable = unlike(spec, others)
    if not usable:
        raise UserError(
            f"spec-knowledge: no other spec of the kind of '{name}' gives wrong options; "
            "name one or more that say something else"
        )
    found = list(statement_questions(spec, usable))
    if isinstance(spec, Spec):
        found += item_questions(spec, [other for other in usable if isinstance(other, Spec)])

    def filled(text: str) -> str:
        return text.replace("{assistant}", assistant).replace("{provider}", provider)

    return [
        replace(
            question,
            id=f"{name}/{question.id}",
            cluster=f"{name}/{question.cluster}",
            ask=filled(question.ask),
            right=filled(question.right),
            wrong=tuple(map(filled, question.wrong)),
        )
        for question in found
    ]


def read_others(spec: Path, others: Sequence[Path] = ()) -> list[AnySpec]:
    """The specs to take wrong options from: those named, else all below the project's ``specs``.

    Raises:
        UserError: a named file cannot be read or is no spec.
    """
    paths = others or [path for path in sorted(SPECS.rglob("*.md")) if path.name != "README.md"]
    return [read_any_spec(path) for path in paths if path.resolve() != spec.resolve()]


def knowledge_texts(questions: Sequence[Question]) -> list[str]:
    """Every question with its options, as it is shown in its first order.

    No corpus is decontaminated against these: see ``docs/evaluation/spec-knowledge.md``.
    """
    return ["\n".join((question.ask, *question.orders()[0])) for question in questions]
