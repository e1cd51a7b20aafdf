"""``msm train`` in two processes: one output, with the losses that one process has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from msm.experiment import find_task
from msm.recipe import Recipe
from msm.recipe_file import load_recipe
from msm.record import Record, read_record
from msm.table import read_table
from msm.task import Stage
from msm.workspace import Workspace
from tests.commands import msm

pytestmark = pytest.mark.slow

TASK = "aft-s1"
TORCHRUN = ("torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m")
DEEPSPEED = ("deepspeed.launcher.runner", "--num_gpus=2", "--no_local_rank", "--module")


def _recipe(root: Path, *settings: str) -> Recipe:
    return load_recipe(root / "recipes/tiny.yaml", settings)


def _inputs(root: Path, workspace: Path) -> None:
    """Make what the training task needs, once for a workspace."""
    recipe = _recipe(root)
    workspace.mkdir(exist_ok=True)
    for name in ("preference-s1", "instruction-s1"):
        Workspace(workspace, recipe).run(find_task(recipe, Stage.DEMONSTRATE, name))


def _train(root: Path, workspace: Path, *settings: str, launcher: Sequence[str]) -> Record:
    """Train in the processes that a launcher starts."""
    parts = [part for setting in settings for part in ("--set", setting)]
    done = subprocess.run(
        [sys.executable, "-m", *launcher, "msm", "train", root / "recipes/tiny.yaml", TASK, *parts],
        cwd=workspace,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(f"train/{TASK}") == 1  # one process speaks
    return _record(root, workspace)


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


def test_many_processes_without_zero_are_refused(root: Path, tmp_path: Path) -> None:
    _inputs(root, tmp_path)
    with pytest.raises(AssertionError, match=r"execution\.trainer\.zero is 0"):
        _train(root, tmp_path, launcher=TORCHRUN)
    assert not _folder(root, tmp_path).exists()
