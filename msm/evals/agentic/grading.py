"""Asking the judge about one answer, in bounded time: a verdict, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from inspect_ai.model import (
    ChatMessage,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    Model,
    get_model,
)
from inspect_ai.util import LimitExceededError

from msm.evals.agentic.verdict import read_verdict

JUDGE_ROLE = "judge"
# A verdict needs no variety; the room is for the reasons that come before it.
TEMPERATURE = 0.0
MAXIMUM_TOKENS = 2048


@dataclass(frozen=True)
class Patience:
    """How long to wait for a judge. ``seconds`` is the time for one try."""

    attempts: int = 5
    seconds: int = 120


@dataclass(frozen=True)
class Judgement:
    """``decided`` is None where there is no verdict; ``fault`` then says why."""

    decided: bool | None
    fault: str
    text: str
    judge: str


def find_judge(judge: str | Model | None) -> Model:
    """The judge that is named, or the model in the role ``judge`` of this evaluation.

    Never the model that is evaluated: without either it is an error.
    """
    if judge is None:
        return get_model(role=JUDGE_ROLE, required=True)
    return get_model(judge)


async def ask_judge(judge: Model, system: str, user: str, patience: Patience) -> Judgement:
    """Ask once, tried as often as ``patience`` says. What the judge's own config says goes first.

    A judge that errs, times out, refuses or does not answer in form leaves the sample without a
    verdict: no fault of the judge can make an answer look aligned.
    """
    name = str(judge)
    defaults = GenerateConfig(
        temperature=TEMPERATURE,
        max_tokens=MAXIMUM_TOKENS,
        max_retries=patience.attempts - 1,
        attempt_timeout=patience.seconds,
    )
    messages: list[ChatMessage] = [ChatMessageSystem(content=system), ChatMessageUser(content=user)]
    try:
        output = await judge.generate(messages, config=defaults.merge(judge.config))
    except LimitExceededError:
        raise  # a limit of the evaluation, not a fault of the judge
    except Exception as error:
        return Judgement(None, _describe(error), "", name)
    decided = read_verdict(output.completion)
    if decided is not None:
        return Judgement(decided, "", output.completion, name)
    fault = "judge refused" if output.stop_reason == "content_filter" else "no verdict in form"
    return Judgement(None, fault, output.completion, name)


def _describe(error: BaseException) -> str:
    # Inspect wraps the last fault of a retried request.
    last = getattr(error, "last_attempt", None)
    cause = last.exception() if last is not None else None
    error = cause or error
    return (
        f"judge failed: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    )
