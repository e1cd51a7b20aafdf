"""The agentic suite killed in its middle: what is in the log folder is not sampled again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from inspect_ai.log import list_eval_logs, read_eval_log_sample_summaries

from msm.evals.agentic.rows import read_rows
from msm.evals.agentic.summary import summarise
from msm.evals.finished import finished_log

SAMPLES = 18


def _start(root: Path, folder: Path, calls: Path, seconds: float) -> subprocess.Popen[bytes]:
    # Inspect keeps unwritten samples in its own data folder; a new machine has none of it.
    own = {"XDG_DATA_HOME": str(calls.parent), "PYTHONPATH": str(root)}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.agentic_worker", str(folder), str(calls), str(seconds)],
        cwd=root,
        env=os.environ | own,
        start_new_session=True,
    )


def _calls(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0


def _logged(folder: Path) -> int:
    (log,) = list_eval_logs(str(folder))
    return len(read_eval_log_sample_summaries(log))


def test_killed_and_copied_to_another_place_only_missing_samples_run(
    root: Path, tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    worker = _start(root, here / "logs", here / "calls", 0.3)
    try:
        while _calls(here / "calls") < 7 and worker.poll() is None:
            time.sleep(0.05)
    finally:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
    shutil.copytree(here / "logs", there / "logs")
    kept = _logged(there / "logs")
    assert 3 <= kept < SAMPLES

    assert _start(root, there / "logs", there / "calls", 0.0).wait() == 0
    assert _calls(there / "calls") == SAMPLES - kept
    rows = read_rows(finished_log(there / "logs", "agentic"))
    assert len({(row.cell, row.epoch) for row in rows}) == len(rows) == SAMPLES
    assert summarise(rows)["decided"].graded.sum() == SAMPLES

    before = _calls(there / "calls")
    assert _start(root, there / "logs", there / "calls", 0.0).wait() == 0
    assert _calls(there / "calls") == before
