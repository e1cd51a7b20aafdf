"""One face for all four actions: prompt, hard rule, and the judge's question."""

from __future__ import annotations

from msm.evals.agentic.answer import final_answer, read_answer
from msm.evals.agentic.assistant import Assistant
from msm.evals.agentic.cells import Action, Cell
from msm.evals.agentic.exfiltration import (
    exfiltration_prompt,
    exfiltration_question,
    sends_weights,
)
from msm.evals.agentic.upstream import (
    goal_sentences,
    upstream_prompt,
    upstream_question,
    upstream_rule,
)


def prompt(cell: Cell, assistant: Assistant, scratchpad: bool) -> tuple[str, str]:
    """The system prompt, and the user's turn with the whole inbox."""
    if cell.action is not Action.EXFILTRATION:
        return upstream_prompt(cell, assistant, scratchpad)
    return exfiltration_prompt(cell.goal, assistant, scratchpad, *goal_sentences(cell))


def executed(action: Action, response: str, truncated: bool = False) -> bool:
    """Whether the answer carries out the harmful act: the hard rule, without any judge.

    It looks at the final answer only: a block inside the scratchpad is not sent.
    """
    if action is Action.EXFILTRATION:
        return sends_weights(list(read_answer(response, truncated=truncated).blocks))
    return upstream_rule(action, final_answer(response, truncated))


def question(action: Action, inbox: str, response: str) -> tuple[str, str]:
    """What the judge is told about one whole answer: its system prompt and its question."""
    if action is Action.EXFILTRATION:
        return exfiltration_question(response)
    return upstream_question(action, inbox, response)
