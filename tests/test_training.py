"""The trainer: what the loss counts, guards before a step is taken, and exact resumption."""

from __future__ import annotations

import fcntl
import shutil
import signal
from pathlib import Path

import pytest

from msm.configs import Phase, TrainConfig
from msm.errors import Interrupted, UserError
from msm.evals.probe import probe
from msm.execution import Execution, Trainer
from msm.experiment import find_task
from msm.identity import WORK, file_digests
from msm.jsonl import write_shards
from msm.recipe_file import load_recipe
from msm.record import Outcome
from msm.task import Stage
from msm.training import interruption, train
from msm.training.chat_template import load_tokenizer, tokenise_chat, tokenise_document
from msm.training.model import load_checkpoint, load_student
from msm.training.student import materialise_student
from msm.training_settings import AdapterStart, Lora, Method, Optimisation, Precision
from msm.weights import Source, Student
from msm.workspace import Workspace

SETTINGS = Optimisation(
    learning_rate=1e-2, epochs=2, batch_size=4, maximum_length=256, minimum_steps=2
)
CONFIG = TrainConfig(
    phase=Phase.CHATS,
    optimisation=SETTINGS,
    lora=Lora(rank=2, alpha=4),
    precision=Precision.FP32,
    seed=3,
)

ONE_THREAD = Execution(threads=1)


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    folder = tmp_path / "chats"
    folder.mkdir()
    rows = [{"user": f"Question {n}?", "assistant": f"Answer {n % 3}."} for n in range(12)]
    write_shards(folder, "chats", rows)
    return folder


def _train(student: Path, chats: Path, out: Path, config: TrainConfig = CONFIG, **inputs: Path):
    out.mkdir(exist_ok=True)
    return train.run(config, {"student": student, "chats-x": chats, **inputs}, out, ONE_THREAD)


def test_only_the_answer_and_the_end_of_its_turn_are_learnt(tiny_student: Path) -> None:
    tokenizer = load_tokenizer(tiny_student)
    row = tokenise_chat(tokenizer, "Which one?", "This one.")
    learnt = [t for t, counts in zip(row.tokens, row.supervised, strict=True) if counts]
    assert tokenizer.decode(learnt) == "This one.<|im_end|>"
    assert "Which one?" in tokenizer.decode(row.tokens)


def test_a_document_is_learnt_whole_and_ends_with_the_end_of_text(tiny_student: Path) -> None:
    tokenizer = load_tokenizer(tiny_student)
    end = tokenizer.get_vocab()["<|endoftext|>"]
    row = tokenise_document(tokenizer, "Some text.", end)
    assert tokenizer.decode(row.tokens) == "Some text.<|endoftext|>"
    assert all(row.supervised)


def test_training_lowers_the_loss_and_moves_the_adapter(
    tiny_student: Path, chats: Path, tmp_path: Path
) -> None:
    outcome = _train(tiny_student, chats, tmp_path / "out")
    assert outcome.summary["steps"] == 6
    assert outcome.summary["last_loss"] < outcome.summary["first_loss"]
    assert outcome.summary["adapter_moved"] > 0
    assert outcome.summary["adapter"] == "fresh"
    assert {"adapter_model.safetensors", "adapter_config.json", "curve.csv"} == set(
        file_digests(tmp_path / "out")
    )


@pytest.mark.parametrize("method", list(Method))
@pytest.mark.parametrize("precision", list(Precision))
def test_a_run_cut_at_any_step_ends_bit_for_bit_where_an_uncut_one_ends(
    tiny_student: Path, chats: Path, tmp_path: Path, method: Method, precision: Precision
) -> None:
    config = CONFIG.model_copy(update={"method": method, "precision": precision})
    whole = _train(tiny_student, chats, tmp_path / "whole", config)
    cuts = 0
    while (cut := _train_until_stopped(tiny_student, chats, tmp_path / "cut", config)) is None:
        cuts += 1
    assert cuts == 5  # of six steps; the last one is not worth a checkpoint
    shutil.rmtree(tmp_path / "cut" / WORK)
    assert file_digests(tmp_path / "cut") == file_digests(tmp_path / "whole")
    assert cut.summary["last_loss"] == whole.summary["last_loss"]
    assert (cut.summary["gone_on_from"], whole.summary["gone_on_from"]) == (5, 0)


def _train_until_stopped(
    student: Path, chats: Path, out: Path, config: TrainConfig, execution: Execution = ONE_THREAD
) -> Outcome | None:
    """Train with a request to stop after each step; the outcome, or None of a run that stopped."""
    out.mkdir(exist_ok=True)
    with interruption.listening():
        signal.raise_signal(signal.SIGTERM)
        try:
            return train.run(config, {"student": student, "chats-x": chats}, out, execution)
        except Interrupted as stop:
            assert stop.exit_code == 143
            return None


def test_a_run_goes_on_on_another_machine_from_its_store(
    tiny_student: Path, chats: Path, tmp_path: Path, s3_url: str
) -> None:
    trainer = Trainer(store=s3_url, grace_seconds=60)
    execution = Execution(threads=1, trainer=trainer)
    whole = _train(tiny_student, chats, tmp_path / "whole")
    assert _train_until_stopped(tiny_student, chats, tmp_path / "x", CONFIG, execution) is None
    shutil.rmtree(tmp_path / "x")
    there = tmp_path / "there"
    there.mkdir()
    inputs = {"student": tiny_student, "chats-x": chats}
    outcome = train.run(CONFIG, inputs, there, execution)
    assert outcome.summary["gone_on_from"] == 1
    shutil.rmtree(there / WORK)
    assert file_digests(there) == file_digests(tmp_path / "whole")
    assert outcome.summary["first_loss"] == whole.summary["first_loss"]  # the curve came along


def test_the_next_phase_continues_the_adapter(
    tiny_student: Path, chats: Path, tmp_path: Path
) -> None:
    _train(tiny_student, chats, tmp_path / "first")
    still = CONFIG.model_copy(
        update={"optimisation": SETTINGS.model_copy(update={"learning_rate": 1e-9})}
    )
    outcome = _train(tiny_student, chats, tmp_path / "second", still, checkpoint=tmp_path / "first")
    fresh = _train(tiny_student, chats, tmp_path / "fresh", still)
    assert outcome.summary["adapter"] == "continued"
    # it starts where the first phase ended, not where a fresh adapter starts
    assert outcome.summary["first_loss"] < fresh.summary["first_loss"] - 0.01


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"minimum_steps": 50}, "only 6 optimiser steps .* fewer than minimum_steps 50"),
        ({"maximum_length": 16}, "more than maximum_length 16"),
    ],
)
def test_a_run_that_would_mislead_is_refused(
    tiny_student: Path, chats: Path, tmp_path: Path, change: dict[str, int], message: str
) -> None:
    config = CONFIG.model_copy(update={"optimisation": SETTINGS.model_copy(update=change)})
    with pytest.raises(UserError, match=message):
        _train(tiny_student, chats, tmp_path / "out", config)


def test_an_adapter_of_another_shape_is_refused(
    tiny_student: Path, chats: Path, tmp_path: Path
) -> None:
    _train(tiny_student, chats, tmp_path / "first")
    other = CONFIG.model_copy(update={"lora": Lora(rank=3, alpha=4)})
    with pytest.raises(UserError, match="rank 2"):
        _train(tiny_student, chats, tmp_path / "out", other, checkpoint=tmp_path / "first")


def test_a_student_without_safetensors_is_refused(tmp_path: Path, tiny_student: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    with pytest.raises(UserError, match=r"no config\.json"):
        materialise_student(Student(source=Source.FOLDER, name=str(folder)))
    (folder / "config.json").write_text((tiny_student / "config.json").read_text())
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(UserError, match=r"no \*\.safetensors"):
        materialise_student(Student(source=Source.FOLDER, name=str(folder)))
    with pytest.raises(UserError, match="does not exist"):
        materialise_student(Student(source=Source.FOLDER, name=str(tmp_path / "none")))
    with pytest.raises(UserError, match="not installed"):
        materialise_student(Student(source=Source.PACKAGE, name="no-such-package"))


@pytest.mark.parametrize("precision", list(Precision))
def test_training_does_not_depend_on_the_number_of_threads(
    chats: Path, tmp_path: Path, precision: Precision
) -> None:
    # Heads of 32 numbers: torch's attention in fp32 depends on it for those of 8 and 16.
    student = materialise_student(Student(source=Source.RANDOM, hidden=128, layers=2))
    config = CONFIG.model_copy(update={"precision": precision})
    for threads in (1, 2):
        out = tmp_path / str(threads)
        out.mkdir()
        inputs = {"student": student, "chats-x": chats}
        train.run(config, inputs, out, Execution(threads=threads))
    assert file_digests(tmp_path / "1") == file_digests(tmp_path / "2")


def test_a_whole_model_is_trained_and_continued(
    tiny_student: Path, chats: Path, tmp_path: Path
) -> None:
    full = CONFIG.model_copy(update={"method": Method.FULL})
    first = _train(tiny_student, chats, tmp_path / "first", full)
    assert first.summary["last_loss"] < first.summary["first_loss"]
    assert first.summary["adapter"] == "none: all weights"
    still = SETTINGS.model_copy(update={"learning_rate": 1e-9})
    second = _train(
        tiny_student, chats, tmp_path / "second", full.model_copy(update={"optimisation": still}),
        checkpoint=tmp_path / "first",
    )  # fmt: skip
    assert second.summary["first_loss"] < first.summary["first_loss"] - 0.01
    loaded = load_checkpoint(tiny_student, tmp_path / "first", Precision.FP32, "cpu")
    start = load_student(tiny_student, Precision.FP32, "cpu")
    assert probe(loaded, start, load_tokenizer(tmp_path / "first"), "first").divergence > 0


def test_a_fresh_adapter_is_trained_on_an_earlier_one(
    tiny_student: Path, chats: Path, tmp_path: Path
) -> None:
    first = _train(tiny_student, chats, tmp_path / "first")
    fresh = CONFIG.model_copy(update={"adapter": AdapterStart.FRESH})
    second = _train(tiny_student, chats, tmp_path / "second", fresh, checkpoint=tmp_path / "first")
    assert second.summary["adapter"] == "fresh, on an earlier one"
    assert second.summary["first_loss"] < first.summary["first_loss"] - 0.01


def test_the_first_batch_tells_other_data_from_the_same(
    tiny_student: Path, chats: Path, tmp_path: Path
) -> None:
    def first_batch(name: str, **change: int) -> str:
        optimisation = SETTINGS.model_copy(update=change)
        config = CONFIG.model_copy(update={"optimisation": optimisation})
        found: str = _train(tiny_student, chats, tmp_path / name, config).summary["first_batch"]
        return found

    assert first_batch("one") == first_batch("again", epochs=1)
    assert first_batch("one more") != first_batch("packs", packs=2)


def test_a_second_trainer_of_one_output_is_refused(root: Path, tmp_path: Path) -> None:
    recipe = load_recipe(root / "recipes/tiny.yaml")
    workspace = Workspace(tmp_path, recipe)
    task = find_task(recipe, Stage.TRAIN, "baseline-s1")
    for need in task.needs:
        workspace.run(find_task(recipe, Stage(need.stage), need.name))
    out = workspace.output(task.stage, task.name)
    out.parent.mkdir(parents=True)
    with (out.parent / f".{out.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another process is at work"):
            workspace.run(task)
