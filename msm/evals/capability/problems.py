"""All problems of the capability suite, and how an answer is marked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msm.evals.capability.arithmetic import arithmetic_problems, mark_arithmetic, word_problems
from msm.evals.capability.instructions import instruction_problems, mark_instructions
from msm.evals.capability.part import Marking, Part, Problem
from msm.evals.capability.reading import mark_reading, reading_problems
from msm.evals.capability.tool_calls import mark_tool_call, tool_problems

_MAKE: dict[Part, Callable[[], list[Problem]]] = {
    Part.ARITHMETIC: lambda: [*arithmetic_problems(), *word_problems()],
    Part.READING: reading_problems,
    Part.INSTRUCTIONS: instruction_problems,
    Part.TOOL_CALLS: tool_problems,
}
_MARK: dict[Part, Callable[[Mapping[str, Any], str], Marking]] = {
    Part.ARITHMETIC: mark_arithmetic,
    Part.READING: mark_reading,
    Part.INSTRUCTIONS: mark_instructions,
    Part.TOOL_CALLS: mark_tool_call,
}


def capability_problems(parts: Sequence[Part] = tuple(Part), most: int = 0) -> list[Problem]:
    """The problems of the given parts, in the order of the parts; always the same ones.

    At most ``most`` of each part, evenly spread over it; 0 takes all.
    """
    return [problem for part in parts for problem in _spread(_MAKE[part](), most)]


def _spread(problems: list[Problem], most: int) -> list[Problem]:
    if not most or most >= len(problems):
        return problems
    return [problems[number * len(problems) // most] for number in range(most)]


def mark(part: Part, expected: Mapping[str, Any], answer: str) -> Marking:
    """Whether an answer to a problem of ``part`` is right, by what the problem expects."""
    return _MARK[part](expected, answer)
