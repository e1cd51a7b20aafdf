"""The trainer as one piece: what its parts are tested for apart must come about in a run."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from msm.configs import Phase, TrainConfig
from msm.errors import UserError
from msm.execution import Execution, LiveMetrics, Trainer
from msm.identity import WORK, digest_path
from msm.jsonl import write_shards
from msm.record import Outcome
from msm.stage import run_stage
from msm.stages import definition
from msm.table import read_table
from msm.task import Stage
from msm.training.checkpoint_folders import checkpoints_in
from msm.training.keeping import CHECKPOINTS
from msm.training_settings import Lora, Optimisation, Precision

OFTEN = 1e-9  # minutes between checkpoints: one after each step


def _run(student: Path, folder: Path, execution: Execution, learning_rate: float) -> Outcome:
    chats = folder / "chats"
    chats.mkdir(parents=True)
    rows = [{"user": f"Question {n}?", "assistant": f"Answer {n % 3}."} for n in range(12)]
    write_shards(chats, "chats", rows)
    config = TrainConfig(
        phase=Phase.CHATS,
        optimisation=Optimisation(
            learning_rate=learning_rate, epochs=2, batch_size=4, maximum_length=256, minimum_steps=2
        ),
        lora=Lora(rank=2, alpha=4),
        precision=Precision.FP32,
        seed=3,
    )
    inputs = {"student": student, "chats-x": chats}
    record, _ = run_stage(definition(Stage.TRAIN), config, inputs, folder / "out", execution)
    return record.outcome


def test_a_loss_that_is_no_number_ends_the_run_and_is_in_no_checkpoint(
    tiny_student: Path, tmp_path: Path
) -> None:
    often = Execution(checkpoint_minutes=OFTEN)
    with pytest.raises(UserError, match=r"of step (\d+) is (nan|inf)") as caught:
        _run(tiny_student, tmp_path, often, learning_rate=1e20)
    (partial,) = tmp_path.glob(".out.partial-*")
    kept = checkpoints_in(partial / WORK / CHECKPOINTS)
    assert f"of step {max(kept) + 1} is" in str(caught.value)
    assert str(kept[max(kept)]) in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_computing_activations_twice_makes_the_same_output(
    tiny_student: Path, tmp_path: Path
) -> None:
    twice = Execution(trainer=Trainer(activation_checkpointing=True))
    made = _run(tiny_student, tmp_path / "twice", twice, learning_rate=1e-2)
    plain = _run(tiny_student, tmp_path / "once", Execution(), learning_rate=1e-2)
    kernels = [outcome.summary["kernels"]["activation_checkpointing"] for outcome in (made, plain)]
    assert kernels == ["on", "off"]
    assert digest_path(tmp_path / "twice/out") == digest_path(tmp_path / "once/out")


def test_without_an_mlflow_that_answers_training_goes_on(
    tiny_student: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free.getsockname()[1]}")
        live = Execution(trainer=Trainer(live_metrics=LiveMetrics.ON, run="x/train/y"))
        made = _run(tiny_student, tmp_path, live, learning_rate=1e-2)
    assert len(read_table(tmp_path / "out" / "curve.csv")) == made.summary["steps"]
    (said,) = capsys.readouterr().err.splitlines()
    assert "could not be sent" in said
