"""A model behind Inspect's model API: one request, tried a bounded number of times.

Inspect speaks to every provider; its own retrying is switched off, and so is that of the providers'
clients where they have one, so that every try is bounded, waited for and counted in one place.
"""

from __future__ import annotations

import asyncio
import json
import time
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msm.errors import UserError
from msm.execution import Connection
from msm.identity import seed_from
from msm.llm.opening import forgetful_transcript, open_model
from msm.llm.request import Answer, NoAnswerError, Request, Stop
from msm.model_choice import ModelChoice

if TYPE_CHECKING:
    from inspect_ai.model import ModelOutput

LONGEST_WAIT_SECONDS = 60.0
REFUSING = (401, 403)
UNKNOWN = 404
CUT = ("max_tokens", "model_length")
# Errors of these modules are no server's: they are faults of the program, and raise. But raised
# where Inspect reads an answer, they say that the answer is malformed: some servers send an error
# with status 200, which has no choices.
OURS = ("builtins", "msm", "inspect_ai", "pydantic", "pydantic_core")
READING = ("inspect_ai.model", "openai.", "anthropic.")


class Client:
    """One model under one role's settings. It belongs to the event loop that first uses it."""

    def __init__(self, role: str, choice: ModelChoice, connection: Connection) -> None:
        self._role = role
        self._name = choice.model
        self._connection = connection
        self._model = open_model(role, choice, connection)
        self._transcript = forgetful_transcript()

    async def answer(self, request: Request) -> Answer:
        """Ask until the server answers.

        Raises:
            NoAnswerError: the server failed all tries of this request, or refuses to take it.
            UserError: it refuses the key, or does not know the model.
        """
        from inspect_ai.log._transcript import init_transcript
        from inspect_ai.model import ChatMessage, ChatMessageSystem, ChatMessageUser, GenerateConfig

        init_transcript(self._transcript)
        question: list[ChatMessage] = [ChatMessageUser(content=request.user)]
        if request.system:
            question.insert(0, ChatMessageSystem(content=request.system))
        config = GenerateConfig(max_tokens=request.maximum_tokens, seed=request.salt or None)
        fault, tries = "", 0
        for attempt in range(self._connection.attempts):
            started = time.monotonic()
            try:
                output = await self._model.generate(question, config=config)
            except Exception as error:
                cause = _cause(error)
                self._stop_if_hopeless(cause)
                fault, tries = _describe(cause), attempt + 1
                if not _worth_retrying(error, cause):
                    break
                if attempt + 1 < self._connection.attempts:
                    await asyncio.sleep(self._wait(attempt, request.key, cause))
                continue
            return _answer(request, output, time.monotonic() - started, attempt)
        raise NoAnswerError(fault, tries)

    async def close(self) -> None:
        """Close the connections."""
        await self._model.api.aclose()

    def _wait(self, attempt: int, key: str, cause: BaseException) -> float:
        """Seconds until the next try: doubling, spread by key, never less than the server asks."""
        spread = 0.5 + seed_from(key, attempt) % 1000 / 1000
        wait = self._connection.backoff_seconds * 2.0**attempt * spread
        return min(max(wait, _retry_after(cause)), LONGEST_WAIT_SECONDS)

    def _stop_if_hopeless(self, cause: BaseException) -> None:
        status = _status(cause)
        if status in REFUSING:
            raise UserError(
                f"{self._role} {self._name}: the server refuses the key (HTTP {status}); "
                "set the provider's API key in the environment"
            )
        if status == UNKNOWN:
            raise UserError(
                f"{self._role} {self._name}: the server knows no such model or address "
                f"(HTTP 404); check '{self._role}.model' and 'execution.{self._role}.base_url'"
            )


def _answer(request: Request, output: ModelOutput, seconds: float, retries: int) -> Answer:
    usage = output.usage
    return Answer(
        key=request.key,
        digest=request.digest,
        text=output.completion if output.choices else "",
        stop=_stop(request, output),
        tokens_in=(usage.input_tokens + (usage.input_tokens_cache_write or 0)) if usage else 0,
        tokens_cached=(usage.input_tokens_cache_read or 0) if usage else 0,
        tokens_out=usage.output_tokens if usage else 0,
        seconds=round(seconds, 3),
        retries=retries,
    )


def _stop(request: Request, output: ModelOutput) -> Stop:
    if output.stop_reason == "content_filter":
        return Stop.REFUSED
    full = output.usage is not None and output.usage.output_tokens >= request.maximum_tokens
    if output.stop_reason in CUT or (output.stop_reason == "unknown" and full):
        return Stop.TRUNCATED  # Inspect's hf provider does not say why it stopped
    return Stop.FINISHED


def _cause(error: Exception) -> BaseException:
    """What the provider's client raised, out of the wrapping of the retry that we switched off."""
    last = getattr(error, "last_attempt", None)
    inner = last.exception() if last is not None else None
    return inner if inner is not None else error


def _worth_retrying(error: Exception, cause: BaseException) -> bool:
    """Inspect wraps what its provider calls passing; a broken body is passing as well.

    Raises:
        Exception: the error is none of a server's, so it is a fault of ours.
    """
    if cause is not error or isinstance(cause, (json.JSONDecodeError, OSError)):
        return True
    status = _status(cause)
    if status is not None:
        return status >= 500 or status in (408, 409, 429)
    if type(cause).__module__.partition(".")[0] in OURS and not _raised_in(READING, cause):
        raise error
    return True


def _raised_in(modules: tuple[str, ...], error: BaseException) -> bool:
    """Whether the code that raised an error belongs to one of these modules."""
    innermost = ""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        innermost = frame.f_globals.get("__name__", "")
    return innermost.startswith(modules)


def _status(error: BaseException) -> int | None:
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def _describe(error: BaseException) -> str:
    """The status and what the server said, or what stood at the root of it."""
    status = _status(error)
    said = getattr(error, "body", None)
    while error.__cause__ is not None:
        error = error.__cause__
        said = said or getattr(error, "body", None)
    if isinstance(said, Mapping):
        said = said.get("message") or said.get("detail") or said
    text = " ".join(str(said or error).split())[:200]
    return f"{f'HTTP {status}' if status else type(error).__name__}: {text}"


def _retry_after(error: BaseException) -> float:
    """Seconds that the server asks to wait, or 0."""
    headers: Mapping[str, str] = getattr(getattr(error, "response", None), "headers", {}) or {}
    try:
        return float(headers.get("retry-after", 0))
    except ValueError:
        return 0.0
