"""The trainer: what the loss counts, guards before a step is taken, and exact resumption."""

from __future__ import annotations

from pathlib import Path

import pytest

from msm.configs import Phase, TrainConfig
from msm.errors import UserError
from msm.execution import Execution
from msm.identity import file_digests
from msm.jsonl import write_shards
from msm.training import resume, train
from msm.training.chat_template import load_tokenizer, tokenise_chat, tokenise_document
from msm.training.student import materialise_student
from msm.training.train import learning_rate
from msm.training_settings import Lora, Optimisation, Precision
from msm.weights import Source, Student

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


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    folder = tmp_path / "chats"
    folder.mkdir()
    rows = [{"user": f"Question {n}?", "assistant": f"Answer {n % 3}."} for n in range(12)]
    write_shards(folder, "chats", rows)
    return folder


def _train(student: Path, chats: Path, out: Path, config: TrainConfig = CONFIG, **inputs: Path):
    out.mkdir(exist_ok=True)
    return train.run(
        config, {"student": student, "chats-x": chats, **inputs}, out, Execution(threads=1)
    )


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


def test_a_cut_run_ends_bit_for_bit_where_an_uncut_one_ends(
    tiny_student: Path, chats: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _train(tiny_student, chats, tmp_path / "whole")
    saved = resume.save_position

    def save_then_die(*arguments: object) -> None:
        saved(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    execution = Execution(threads=1, checkpoint_minutes=1e-9)
    out = tmp_path / "cut"
    out.mkdir()
    inputs = {"student": tiny_student, "chats-x": chats}
    with monkeypatch.context() as patch:
        patch.setattr(train, "save_position", save_then_die)
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                train.run(CONFIG, inputs, out, execution)
    cut = train.run(CONFIG, inputs, out, Execution(threads=1))
    assert file_digests(out) == file_digests(tmp_path / "whole")
    assert cut.summary["last_loss"] == whole.summary["last_loss"]


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
        ({"minimum_steps": 50}, "only 6 optimiser steps, fewer than minimum_steps 50"),
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


def test_the_learning_rate_warms_up_and_falls_to_almost_nothing() -> None:
    rates = [learning_rate(step, 100, 1.0, 0.05) for step in range(100)]
    assert rates[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert rates[5:] == sorted(rates[5:], reverse=True)
    assert 0 <= rates[-1] < 0.01


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


def test_training_does_not_depend_on_the_number_of_threads(
    tiny_student: Path, chats: Path, tmp_path: Path
) -> None:
    for threads in (1, 2):
        out = tmp_path / str(threads)
        out.mkdir()
        inputs = {"student": tiny_student, "chats-x": chats}
        train.run(CONFIG, inputs, out, Execution(threads=threads))
    assert file_digests(tmp_path / "1") == file_digests(tmp_path / "2")
