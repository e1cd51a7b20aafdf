"""The whole flow on the tiny recipe: once, again, and cut off again and again."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest

from msm.experiment import build_tasks
from msm.recipe_file import load_recipe
from tests.commands import identities, msm, start_msm

pytestmark = pytest.mark.slow

CUTS = 8


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """A workspace in which the tiny recipe has been run."""
    workspace = tmp_path_factory.mktemp("flow")
    uri = f"sqlite:///{workspace}/mlflow.db"
    done = msm("run", root / "recipes/tiny.yaml", cwd=workspace, MLFLOW_TRACKING_URI=uri)
    assert done.returncode == 0, done.stderr
    assert "report page" in done.stdout
    assert "Gap between the specs after MSM" in done.stdout.replace("\n", " ")
    return workspace


def test_every_task_leaves_a_record_and_a_report(finished: Path, root: Path) -> None:
    tasks = {task.label for task in build_tasks(load_recipe(root / "recipes" / "tiny.yaml"))}
    assert set(identities(finished / "outputs" / "tiny")) == tasks
    report = finished / "outputs" / "tiny" / "report" / "tiny"
    assert (report / "report.html").read_text().startswith("<!doctype html>")


def test_a_second_run_does_nothing(finished: Path, root: Path) -> None:
    before = identities(finished / "outputs" / "tiny")
    uri = f"sqlite:///{finished}/mlflow.db"
    done = msm("run", root / "recipes/tiny.yaml", cwd=finished, MLFLOW_TRACKING_URI=uri)
    assert done.returncode == 0, done.stderr
    assert ", 0 of them made now" in done.stdout
    assert identities(finished / "outputs" / "tiny") == before
    status = msm("status", root / "recipes/tiny.yaml", cwd=finished)
    assert status.stdout.strip().splitlines()[-1] == f"{len(before)} done"


def test_killed_again_and_again_it_ends_with_the_same_identities(
    finished: Path, root: Path, tmp_path: Path
) -> None:
    recipe = root / "recipes" / "tiny.yaml"
    chance = random.Random(7)
    cut = 0
    for _ in range(CUTS):
        process = start_msm(
            "run", recipe, "--set", "execution.checkpoint_minutes=0.0001", cwd=tmp_path
        )
        time.sleep(chance.uniform(1, 12))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            cut += 1
        process.communicate()
        for record in tmp_path.glob("outputs/tiny/*/*/record.json"):
            assert record.stat().st_size > 0
    assert cut > 0
    done = msm("run", recipe, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert identities(tmp_path / "outputs" / "tiny") == identities(finished / "outputs" / "tiny")
