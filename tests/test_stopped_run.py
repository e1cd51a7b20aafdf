"""`msm run` that is asked to stop: trainers come to safety first, and it does not look done."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from msm.training.checkpoint_folders import checkpoints_in
from tests.commands import start_msm

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 300


def _children(parent: int) -> set[int]:
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii")
    return {int(number) for number in listed.split()}


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
