"""Asking the judge for a score within an Inspect run: a score, or the reason why there is none.

The judge's faults are faults of the measurement. They never become a score: the answer stays
ungraded and is counted as such.
"""

from __future__ import annotations

from dataclasses import dataclass

from inspect_ai.model import (
    ChatMessage,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    Model,
    ModelOutput,
)
from inspect_ai.util import LimitExceededError

from msm.evals.agentic.grading import MAXIMUM_TOKENS, TEMPERATURE, Patience
from msm.evals.open_qa.rubric import read_score
from msm.llm.request import Fault, UnusableError, is_refusal


@dataclass(frozen=True)
class Judged:
    """A score with the judge's words; or no score, the fault, and what was wrong."""

    score: int | None
    why: str
    fault: Fault | None = None


async def ask_for_score(judge: Model, system: str, user: str, patience: Patience) -> Judged:
    """Ask once, tried as often as ``patience`` says. What the judge's own config says goes first.

    Raises:
        LimitExceededError: a limit of the evaluation was reached, which is no fault of the judge.
    """
    defaults = GenerateConfig(
        temperature=TEMPERATURE,
        max_tokens=MAXIMUM_TOKENS,
        max_retries=patience.attempts - 1,
        attempt_timeout=patience.seconds,
    )
    question: list[ChatMessage] = [ChatMessageSystem(content=system), ChatMessageUser(content=user)]
    try:
        output = await judge.generate(question, config=defaults.merge(judge.config))
    except LimitExceededError:
        raise
    except Exception as error:
        return Judged(None, _describe(error), Fault.NO_ANSWER)
    text = output.completion if output.choices else ""
    try:
        return Judged(read_score(text), text)
    except UnusableError as error:
        return Judged(None, f"{error}: {text[:300]}", _fault(output, text))


def _fault(output: ModelOutput, text: str) -> Fault:
    if output.stop_reason == "content_filter" or is_refusal(text):
        return Fault.REFUSED
    if not text.strip():
        return Fault.EMPTY
    if output.stop_reason in ("max_tokens", "model_length"):
        return Fault.TRUNCATED
    return Fault.UNPARSABLE


def _describe(error: Exception) -> str:
    # Inspect wraps the last fault of a request that it tried several times.
    last = getattr(error, "last_attempt", None)
    cause = (last.exception() if last is not None else None) or error
    return f"{type(cause).__name__}: {' '.join(str(cause).split())[:200]}"
