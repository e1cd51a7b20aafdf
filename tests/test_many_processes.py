"""``msm train`` in two processes: one output, with the losses of one process, also if it is cut."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from msm.experiment import find_task
from msm.identity import WORK
from msm.recipe import Recipe
from msm.recipe_file import load_recipe
from msm.record import Record, read_record
from msm.table import read_table
from msm.task import Stage
from msm.training.checkpoint_folders import checkpoints_in
from msm.training.keeping import CHECKPOINTS
from msm.training.model import load_student
from msm.training.student import materialise_student
from msm.training_settings import Precision
from msm.workspace import Workspace
from tests.commands import msm

pytestmark = pytest.mark.slow

TASK = "aft-s1"
PATIENCE_SECONDS = 240
TORCHRUN = ("torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m")
ALONE: tuple[str, ...] = ()
DEEPSPEED = ("deepspeed.launcher.runner", "--num_gpus=2", "--no_local_rank", "--module")


def _recipe(root: Path, *settings: str) -> Recipe:
    return load_recipe(root / "recipes/tiny.yaml", settings)


def _inputs(root: Path, workspace: Path) -> None:
    """Make what the training task needs, once for a workspace."""
    recipe = _recipe(root)
    workspace.mkdir(exist_ok=True)
    for name in ("preference-s1", "instruction-s1"):
        Workspace(workspace, recipe).run(find_task(recipe, Stage.DEMONSTRATE, name))


def _start(
    root: Path, workspace: Path, *settings: str, launcher: Sequence[str]
) -> subprocess.Popen[str]:
    """Start a training in the processes that a launcher makes."""
    parts = [part for setting in settings for part in ("--set", setting)]
    return subprocess.Popen(
        [sys.executable, "-m", *launcher, "msm", "train", root / "recipes/tiny.yaml", TASK, *parts],
        cwd=workspace,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _train(root: Path, workspace: Path, *settings: str, launcher: Sequence[str]) -> Record:
    """Train in the processes that a launcher makes, to the end."""
    process = _start(root, workspace, *settings, launcher=launcher)
    told, failed = process.communicate(timeout=600)
    assert process.returncode == 0, failed
    assert told.count(f"train/{TASK}") == 1  # one process speaks
    return _record(root, workspace)


def _cut(
    root: Path, workspace: Path, *settings: str, launcher: Sequence[str], after: int
) -> tuple[int, str]:
    """Train until a checkpoint behind a step is there, send SIGTERM, and wait.

    Returns the newest checkpoint's step, and what was written to stderr.
    """
    unfinished = f".{TASK}.partial-*/{WORK}/{CHECKPOINTS}"

    def newest() -> int:
        folders = _folder(root, workspace).parent.glob(unfinished)
        return max((step for folder in folders for step in checkpoints_in(folder)), default=0)

    process = _start(root, workspace, *settings, launcher=launcher)
    until = time.monotonic() + PATIENCE_SECONDS
    while newest() <= after:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.05)
    process.terminate()
    _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode != 0
    assert not (_folder(root, workspace) / "record.json").exists()
    return newest(), said


def _record(root: Path, workspace: Path) -> Record:
    record = read_record(_folder(root, workspace))
    assert record is not None
    return record


def _folder(root: Path, workspace: Path) -> Path:
    return Workspace(workspace, _recipe(root)).output("train", TASK)


def _losses(root: Path, workspace: Path) -> list[float]:
    rows = read_table(_folder(root, workspace) / "curve.csv")
    return [float(row["loss"]) for row in rows]


def test_two_processes_make_what_one_makes(root: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for workspace in (one, two):
        _inputs(root, workspace)
    done = msm("train", root / "recipes/tiny.yaml", TASK, cwd=one)
    assert done.returncode == 0, done.stderr
    alone = _record(root, one)
    for zero, launcher in ((2, TORCHRUN), (3, DEEPSPEED)):
        settings = f"execution.trainer.zero={zero}"
        together = _train(root, two, settings, launcher=launcher)
        assert together.identity == alone.identity  # how it runs is no part of what it makes
        assert (together.outcome.summary["processes"], alone.outcome.summary["processes"]) == (2, 1)
        assert together.outcome.summary["first_batch"] == alone.outcome.summary["first_batch"]
        assert _losses(root, two) == pytest.approx(_losses(root, one), abs=1e-5)
        again = _train(root, two, settings, launcher=launcher)
        assert again.started == together.started  # there is nothing to do
        shutil.rmtree(_folder(root, two))


def test_two_nodes_that_share_a_disk_make_one_output(root: Path, tmp_path: Path) -> None:
    _inputs(root, tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    where = ("--nnodes=2", "--master-addr=127.0.0.1", f"--master-port={port}", "-m")
    nodes = [
        _start(
            root,
            tmp_path,
            "execution.trainer.zero=2",
            launcher=("torch.distributed.run", f"--node-rank={rank}", *where),
        )
        for rank in (1, 0)
    ]
    told = [node.communicate(timeout=600) for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], told
    assert sum(out.count(f"train/{TASK}") for out, _ in told) == 1
    assert _record(root, tmp_path).outcome.summary["processes"] == 2


def test_many_processes_without_zero_are_refused(root: Path, tmp_path: Path) -> None:
    _inputs(root, tmp_path)
    with pytest.raises(AssertionError, match=r"execution\.trainer\.zero is 0"):
        _train(root, tmp_path, launcher=TORCHRUN)
    assert not _folder(root, tmp_path).exists()


def test_cut_in_two_processes_then_in_one_it_ends_in_two_where_one_ends(
    root: Path, tmp_path: Path
) -> None:
    settings = ["training.chats.epochs=40", "execution.checkpoint_minutes=0.005"]
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for workspace in (whole, cut):
        _inputs(root, workspace)
    zero = "execution.trainer.zero={}".format
    first, said = _cut(root, cut, *settings, zero(2), launcher=TORCHRUN, after=0)
    assert f"stopped by SIGTERM after step {first} of" in said
    second, said = _cut(root, cut, *settings, launcher=ALONE, after=first)
    assert f"stopped by SIGTERM after step {second} of" in said
    made = _train(root, cut, *settings, zero(3), launcher=TORCHRUN)
    assert (made.outcome.summary["gone_on_from"], made.outcome.summary["processes"]) == (second, 2)
    _train(root, whole, *settings, launcher=ALONE)
    assert made.identity == _record(root, whole).identity
    assert _losses(root, cut) == pytest.approx(_losses(root, whole), abs=1e-4)


def test_all_weights_in_bf16_in_shares_begin_exactly_where_they_were(
    root: Path, tmp_path: Path
) -> None:
    _inputs(root, tmp_path)
    settings = ("training.method=full", "training.precision=bf16", "execution.trainer.zero=3")
    slow = "training.chats.learning_rate=1e-7"  # seven steps move a weight by less than 1e-6
    made = _train(root, tmp_path, *settings, slow, launcher=TORCHRUN)
    student = load_student(materialise_student(_recipe(root).student), Precision.FP32, "cpu")
    before = {name: weight.detach() for name, weight in student.named_parameters()}
    trained = load_student(_folder(root, tmp_path), Precision.FP32, "cpu")
    for name, weight in trained.named_parameters():
        assert torch.allclose(weight, before[name], rtol=0, atol=2e-6), name
    assert any(not torch.equal(w, w.bfloat16().float()) for w in before.values())
    counted = made.outcome.summary["trainable_parameters"]
    assert counted == sum(weight.numel() for weight in before.values())
