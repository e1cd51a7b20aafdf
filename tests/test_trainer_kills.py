"""The trainer itself, killed at random moments: it ends bit for bit where an uncut run ends."""

from __future__ import annotations

import json
import multiprocessing
import random
import time
from pathlib import Path

import pytest

from msm.configs import Phase, TrainConfig
from msm.execution import Execution
from msm.identity import WORK, file_digests
from msm.jsonl import write_shards
from msm.training.checkpoint_folders import checkpoints_in
from msm.training_settings import Lora, Optimisation, Precision

pytestmark = pytest.mark.slow

KILLS = 10
PATIENCE_SECONDS = 300
OFTEN = Execution(threads=1, checkpoint_minutes=1e-9)  # a checkpoint after each step
CONFIG = TrainConfig(
    phase=Phase.CHATS,
    optimisation=Optimisation(learning_rate=1e-2, epochs=30, batch_size=4, maximum_length=256),
    lora=Lora(rank=8, alpha=16),
    precision=Precision.BF16,
    seed=3,
)


def _train(student: Path, chats: Path, out: Path) -> None:
    from msm.training import train

    out.mkdir(exist_ok=True)
    outcome = train.run(CONFIG, {"student": student, "chats-x": chats}, out, OFTEN)
    (out / WORK).mkdir(exist_ok=True)
    (out / WORK / "outcome.json").write_text(json.dumps(outcome.summary), encoding="utf-8")


def test_killed_at_random_moments_it_ends_where_an_uncut_run_ends(
    tiny_student: Path, tmp_path: Path
) -> None:
    chats = tmp_path / "chats"
    chats.mkdir()
    rows = [{"user": f"Question {n}?", "assistant": f"Answer {n % 3}."} for n in range(12)]
    write_shards(chats, "chats", rows)
    context = multiprocessing.get_context("forkserver")  # which loads torch once for all of them
    context.set_forkserver_preload(["msm.training.train", "transformers.models.llama"])

    def start(out: Path) -> multiprocessing.process.BaseProcess:
        process = context.Process(target=_train, args=(tiny_student, chats, out))
        process.start()
        return process

    whole, cut = tmp_path / "whole", tmp_path / "cut"
    start(whole).join(PATIENCE_SECONDS)
    chance, seen = random.Random(7), [0]
    for _ in range(KILLS):
        process = start(cut)
        wanted = seen[-1] + chance.randint(1, 6)
        until = time.monotonic() + PATIENCE_SECONDS
        while max(checkpoints_in(cut / WORK / "checkpoints"), default=0) < wanted:
            assert process.is_alive() and time.monotonic() < until
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.05))  # in a step, or in a save
        process.kill()
        process.join()
        seen.append(max(checkpoints_in(cut / WORK / "checkpoints")))
    start(cut).join(PATIENCE_SECONDS)
    outcome = json.loads((cut / WORK / "outcome.json").read_text(encoding="utf-8"))
    assert outcome["gone_on_from"] == seen[-1] < outcome["steps"] == 90
    assert file_digests(cut) == file_digests(whole)
