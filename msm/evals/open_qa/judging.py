"""Asking the judge within an Inspect run: a score, or the reason why there is none.

The judge's faults are faults of the measurement. They never become a score, and they never stop a
run: the sample stays ungraded and is counted as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msm.evals.open_qa.rubric import SCORE_TOKENS, read_score
from msm.llm.asking import REFUSAL
from msm.llm.request import Fault, UnusableError

if TYPE_CHECKING:
    from inspect_ai.model import Model

# Errors of these modules are no server's: they are faults of the program, and raise.
OURS = ("builtins", "msm", "inspect_ai", "pydantic", "pydantic_core")


@dataclass(frozen=True)
class Patience:
    """How often a judge is asked until its answer can be read, and how long for one answer."""

    answers: int = 3
    retries: int = 3
    seconds: int = 300


@dataclass(frozen=True)
class Judged:
    """A score with the judge's words; or no score, the last fault, and what was wrong."""

    score: int | None
    why: str
    fault: Fault | None = None


async def ask_judge(judge: Model, system: str, user: str, patience: Patience) -> Judged:
    """Ask until there is a score, at most ``patience.answers`` times.

    Raises:
        Exception: the program is at fault, not the judge's server.
    """
    from inspect_ai.model import ChatMessage, ChatMessageSystem, ChatMessageUser, GenerateConfig

    question: list[ChatMessage] = [ChatMessageSystem(content=system), ChatMessageUser(content=user)]
    last = Judged(None, "the judge was not asked", Fault.NO_ANSWER)
    for number in range(patience.answers):
        config = GenerateConfig(
            max_tokens=SCORE_TOKENS,
            max_retries=patience.retries,
            attempt_timeout=patience.seconds,
            seed=number + 1,
        )
        try:
            output = await judge.generate(question, config=config)
        except Exception as error:
            if _is_ours(error):
                raise
            # Inspect has asked again already, so the server is not pressed any further.
            return Judged(None, f"{type(error).__name__}: {error}"[:300], Fault.NO_ANSWER)
        text = output.completion if output.choices else ""
        if output.stop_reason == "content_filter":
            last = Judged(None, "the judge's server filtered its answer", Fault.REFUSED)
            continue
        try:
            return Judged(read_score(text), text)
        except UnusableError as error:
            last = Judged(None, f"{error}: {text[:300]}", _fault(text, str(output.stop_reason)))
    return last


def _fault(text: str, stop: str) -> Fault:
    if not text.strip():
        return Fault.EMPTY
    if stop in ("max_tokens", "model_length"):
        return Fault.TRUNCATED
    return Fault.REFUSED if REFUSAL.match(text) else Fault.UNPARSABLE


def _is_ours(error: Exception) -> bool:
    return not isinstance(error, OSError) and type(error).__module__.partition(".")[0] in OURS
