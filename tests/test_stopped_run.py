"""`msm run` that is asked to stop: trainers come to safety first, and it does not look done."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from msm.errors import Interrupted
from msm.experiment import build_tasks
from msm.recipe_file import load_recipe
from msm.training.checkpoint_folders import checkpoints_in
from msm.workers import ask_to_stop, submit, worker_pool
from tests.commands import start_msm

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 300


def _children(parent: int) -> set[int]:
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii")
    return {int(number) for number in listed.split()}


def _workers(parent: int) -> set[int]:
    """Its children but the one that multiprocessing has for itself."""
    return {
        child
        for child in _children(parent)
        if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes()
    }


def _has_open(process: int, folder: Path) -> bool:
    files = Path(f"/proc/{process}/fd").iterdir()
    return any(str(folder) in os.path.realpath(file) for file in files)


def _alive(number: int) -> bool:
    try:
        status = Path(f"/proc/{number}/stat").read_text(encoding="ascii")
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_run_that_is_stopped_lets_its_trainers_save(
    root: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    process = start_msm("run", root / "recipes" / "tiny.yaml", cwd=tmp_path)
    trained = tmp_path / "outputs" / "tiny" / "train"
    until = time.monotonic() + PATIENCE_SECONDS
    while not (at_work := list(trained.glob(".*.partial-*"))):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.01)
    workers = _children(process.pid)
    assert workers
    process.send_signal(number)
    _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == code
    assert len(said.splitlines()) == 1
    assert said.startswith(f"msm: stopped by {number.name} after ")
    for partial in at_work:
        name = partial.name[1:].split(".partial-")[0]
        saved = checkpoints_in(partial / ".work" / "checkpoints")
        assert saved or (trained / name / "record.json").exists()
    while any(_alive(worker) for worker in workers):
        assert time.monotonic() < until, "a worker works on"
        time.sleep(0.05)


def test_a_run_ends_when_a_worker_that_has_nothing_to_do_is_killed(
    root: Path, tmp_path: Path
) -> None:
    arms = "arms={msm: {phases: [documents, instruction], specs: [affordability]}}"
    given = ("--set", arms, "--set", "register.arm=msm")
    process = start_msm("run", root / "recipes" / "tiny.yaml", *given, cwd=tmp_path)
    trained = tmp_path / "outputs" / "tiny" / "train"
    until = time.monotonic() + PATIENCE_SECONDS
    while not any(_has_open(worker, trained) for worker in _workers(process.pid)):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.01)
    (idle,) = [worker for worker in _workers(process.pid) if not _has_open(worker, trained)]
    os.kill(idle, signal.SIGKILL)
    _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 2
    assert len(said.splitlines()) == 1
    assert "was killed" in said


def test_a_worker_that_is_just_starting_notes_that_it_is_to_stop(
    root: Path, tmp_path: Path
) -> None:
    recipe = load_recipe(root / "recipes" / "tiny.yaml")
    with worker_pool(1, lambda step: None) as pool:
        job = submit(pool, recipe, tmp_path, build_tasks(recipe)[0], False)
        ask_to_stop(pool)
        with pytest.raises(Interrupted):
            job.result(timeout=PATIENCE_SECONDS)
