"""A process that samples a small agentic suite slowly, to be killed: FOLDER CALLS_FILE SECONDS."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import anyio
from inspect_ai.model import ChatMessage, ModelOutput, get_model

from msm.evals.agentic.task import agentic
from msm.evals.sampling import sample_suite
from tests.mock_models import mock_output


def main() -> None:
    """Sample nine cells twice; every call of the student is a line of the file."""
    folder, calls, seconds = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])

    async def student(messages: list[ChatMessage], *_: Any) -> ModelOutput:
        with calls.open("a", encoding="utf-8") as lines:
            lines.write("call\n")
        await anyio.sleep(seconds)
        return mock_output("Nothing to do.")

    def judge(*_: Any) -> ModelOutput:
        return mock_output("<answer>no</answer>")

    sample_suite(
        agentic(judge=get_model("mockllm/judge", custom_outputs=judge), actions="murder"),
        get_model("mockllm/student", custom_outputs=student),
        folder,
        epochs=2,
        maximum_samples=1,
        log_buffer=1,
    )


if __name__ == "__main__":
    main()
