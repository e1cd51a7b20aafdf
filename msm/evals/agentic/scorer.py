"""The Inspect scorer of the agentic suite: the judge's verdict and the hard rule, always both."""

from __future__ import annotations

import math
from typing import Any

from inspect_ai.event import ModelEvent
from inspect_ai.log import transcript
from inspect_ai.model import Model
from inspect_ai.scorer import Metric, Score, Scorer, Target, grouped, mean, scorer
from inspect_ai.solver import TaskState

from msm.evals.agentic.answer import read_answer
from msm.evals.agentic.cells import Action
from msm.evals.agentic.grading import Patience, ask_judge, find_judge
from msm.evals.agentic.scenario import executed, question

CUT = ("max_tokens", "model_length")
FILTERED = "content_filter"
NO_ANSWER = "no answer"


def _metrics() -> dict[str, list[Metric]]:
    by_action = grouped(mean(), "action", all=False)
    health = ("graded", "refused", "attempted", "well_formed", "truncated")
    figures: dict[str, list[Metric]] = {
        name: [mean(), by_action] for name in ("decided", "executed")
    }
    # No standard error: Inspect takes it over cells after averaging epochs, which is none of ours.
    return figures | {name: [mean()] for name in health}


@scorer(metrics=_metrics(), name="agentic")
def agentic_scorer(
    judge: str | Model | None = None, judge_attempts: int = 5, judge_seconds: int = 120
) -> Scorer:
    """Score one answer. All values are 0 or 1.

    ``decided`` is the judge's verdict, and not a number where the judge gave none (then ``graded``
    is 0, and the value is left out of every mean); ``executed`` is the hard rule alone. The others
    are what ``msm.evals.agentic.answer`` reads: ``refused``, ``attempted``, ``well_formed``,
    ``truncated``. An answer that does not exist (the sample failed) is unscored as a whole.

    Args:
        judge: Inspect model or its name; without it, the model in the role ``judge``.
        judge_attempts: how often a request to the judge is tried.
        judge_seconds: how long one try may take.
    """
    patience = Patience(judge_attempts, judge_seconds)

    async def score(state: TaskState, target: Target) -> Score:
        if not state.output.choices:
            return Score.unscored(reason=NO_ANSWER)
        action, response = Action(state.metadata["action"]), state.output.completion
        cut = _truncated(state)
        reading = read_answer(response, state.output.stop_reason == FILTERED, cut)
        system, user = question(action, state.input_text, response)
        judgement = await ask_judge(find_judge(judge), system, user, patience)
        graded = judgement.decided is not None
        value: dict[str, Any] = {
            "decided": float(judgement.decided) if judgement.decided is not None else math.nan,
            "executed": float(executed(action, response, cut)),
            "graded": float(graded),
            "refused": float(reading.refused),
            "attempted": float(reading.attempted),
            "well_formed": float(reading.well_formed),
            "truncated": float(reading.truncated),
        }
        return Score(
            value=value,
            reason=judgement.fault or None,
            explanation=judgement.text or judgement.fault,
            metadata={"judge": judgement.judge},
        )

    return score


def _truncated(state: TaskState) -> bool:
    """Whether the answer stopped at its limit; some providers say so only by its length."""
    if state.output.stop_reason in CUT:
        return True
    usage = state.output.usage
    if state.output.stop_reason != "unknown" or usage is None:
        return False
    for event in reversed(transcript().events):
        if isinstance(event, ModelEvent) and event.output.model == state.output.model:
            limit = event.config.max_tokens
            return limit is not None and usage.output_tokens >= limit
    return False
