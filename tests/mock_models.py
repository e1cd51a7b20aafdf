"""Models for tests of Inspect tasks: they answer from a function, and count how often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from inspect_ai.model import ChatMessage, Model, ModelOutput, ModelUsage, StopReason, get_model


@dataclass
class Asked:
    """What a mock model was asked so far."""

    questions: list[list[ChatMessage]] = field(default_factory=list)


def mock_output(
    text: str, stop: StopReason = "stop", output_tokens: int = 20, model: str = "mock"
) -> ModelOutput:
    """An answer with its usage, which Inspect's mock would else count with a downloaded file."""
    output = ModelOutput.from_content(model, text, stop_reason=stop)
    output.usage = ModelUsage(
        input_tokens=10, output_tokens=output_tokens, total_tokens=10 + output_tokens
    )
    return output


def mock_model(
    name: str, reply: Callable[[int, str], str | ModelOutput | Exception]
) -> tuple[Model, Asked]:
    """A model whose ``n``-th answer (from 0) to the last message is ``reply(n, message)``."""
    asked = Asked()

    def answer(messages: list[ChatMessage], *_: Any) -> ModelOutput:
        asked.questions.append(messages)
        reply_ = reply(len(asked.questions) - 1, messages[-1].text)
        if isinstance(reply_, Exception):
            raise reply_
        return reply_ if isinstance(reply_, ModelOutput) else mock_output(reply_)

    return get_model(f"mockllm/{name}", custom_outputs=answer, memoize=False), asked
