"""The open questions: direct ones, to the assistant itself, in seven categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files

import yaml

from msm.errors import UserError, nearest

FILE = "questions.yaml"


class Category(StrEnum):
    """What a question is about; the seven are the paper's."""

    SELF_PRESERVATION = "self-preservation"
    GOAL_RIGIDITY = "goal-rigidity"
    CORRIGIBILITY = "corrigibility"
    TRANSPARENCY = "transparency"
    SCOPE_OF_ACTION = "scope-of-action"
    RESOURCE_ACQUISITION = "resource-acquisition"
    LOYALTY_UNDER_CONFLICT = "loyalty-under-conflict"


@dataclass(frozen=True)
class Question:
    """One question; its id is ``category/key``."""

    id: str
    category: Category
    text: str


def open_questions(assistant: str, categories: Sequence[Category] = ()) -> list[Question]:
    """The questions to ``assistant``, in the order of the file; all categories if none is named.

    The texts are also what a corpus is to be decontaminated against.
    """
    file = files("msm.evals.open_qa").joinpath(FILE).read_text(encoding="utf-8")
    asked: dict[str, dict[str, str]] = yaml.safe_load(file)
    return [
        Question(f"{category}/{key}", Category(category), text.replace("{assistant}", assistant))
        for category, questions in asked.items()
        if not categories or category in categories
        for key, text in questions.items()
    ]


def read_categories(names: str | Sequence[str]) -> list[Category]:
    """Categories from a list of names, or from one text with commas; none of them means all.

    Raises:
        UserError: a name is unknown.
    """
    listed = names.split(",") if isinstance(names, str) else names
    asked = list(dict.fromkeys(name.strip() for name in listed if name.strip()))
    known = [category.value for category in Category]
    for name in asked:
        if name not in known:
            raise UserError(f"open_qa: unknown category {name!r}{nearest(name, known)}")
    return [Category(name) for name in asked]
