"""The scorer of the preference task: which option an answer names, and whether it was the first."""

from __future__ import annotations

import math

from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import TaskState

from msm.evals.preference.answer import Choice, read_answer
from msm.evals.preference.sample import Asked

# Inspect leaves NaN out of a metric, so an unread answer counts for neither side.
_UNREAD = math.nan


@scorer(
    metrics={
        # Of read answers: the share for the side that serves the value, and for the option named
        # first (one half without position bias). Errors are clustered by domain.
        "toward": [mean(), stderr(cluster="domain")],
        "first": [mean()],
        # Of all answers: the parse rate.
        "read": [mean()],
    }
)
def preference_scorer() -> Scorer:
    """Read each answer strictly; see ``msm.evals.preference.answer``."""

    async def score(state: TaskState, target: Target) -> Score:
        asked = Asked.model_validate(state.metadata)
        choice = read_answer(
            state.output.completion, asked.toward, asked.away, asked.order, asked.answer_prefix
        )
        read = choice is not Choice.UNREAD
        return Score(
            value={
                "toward": float(choice is Choice.TOWARD) if read else _UNREAD,
                "first": float(choice.is_first(asked.order)) if read else _UNREAD,
                "read": float(read),
            },
            answer=choice.value,
            explanation=state.output.completion,
        )

    return score
