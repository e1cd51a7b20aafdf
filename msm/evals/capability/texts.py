"""The texts of the capability suite: what a corpus is to be decontaminated against."""

from __future__ import annotations

from collections.abc import Sequence

from msm.evals.capability.general_text import general_paragraphs
from msm.evals.capability.part import read_parts
from msm.evals.capability.problems import capability_problems


def capability_texts(parts: str | Sequence[str] = ()) -> list[str]:
    """Every prompt of the given parts (all if none is named), and the general text.

    Raises:
        UserError: a part is unknown.
    """
    prompts = [problem.prompt for problem in capability_problems(read_parts(parts))]
    return [*prompts, *general_paragraphs().values()]
