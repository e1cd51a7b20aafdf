"""The embedded experiment in small, finished, recorded by DVC and registered, to tamper with."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from msm.record import COMMIT_VARIABLE, read_record
from tests.checkouts import RECIPE, run, small_checkout
from tests.commands import msm
from tests.signing_keys import make_key

# A suite that samples leaves an Inspect log: the cheapest one.
SUITE = {"capability": {"problems": 1, "maximum_tokens": 4}}
STEP = 3  # of the checkpoint that is kept
TRAINED = "aft-s1"


@dataclass(frozen=True)
class Finished:
    """A finished experiment: its workspace, and its store of runs."""

    root: Path
    uri: str

    @property
    def outputs(self) -> Path:
        return self.root / "outputs" / "cheese"

    @property
    def public_key(self) -> Path:
        """Of the key that every output is signed with."""
        return self.root / "signing.pub"

    @property
    def registration(self) -> Path:
        return self.outputs / "register" / "cheese"

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints lie that a training kept which was cut off when it was made again."""
        place = self.outputs / "train" / TRAINED
        record = read_record(place)
        assert record is not None
        partial = place.with_name(f".{place.name}.partial-{record.identity[:12]}")
        return partial / ".work" / "checkpoints"


def make_finished(checkout: Path, folder: Path) -> Finished:
    """Run the experiment, have DVC record it, and keep a checkpoint of one training."""
    small_checkout(checkout, folder)
    raw = yaml.safe_load((folder / RECIPE).read_text(encoding="utf-8"))
    raw["evaluation"]["suites"] = SUITE
    raw["execution"] = {"signing": {"key": str(make_key(folder, "signing").private)}}
    (folder / RECIPE).write_text(yaml.safe_dump(raw), encoding="utf-8")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    head = subprocess.run(
        ["git", "-C", str(checkout), "rev-parse", "HEAD"],
        capture_output=True,
        text=True,
        check=True,
    )
    environment = {"MLFLOW_TRACKING_URI": uri, COMMIT_VARIABLE: head.stdout.strip()}
    done = msm("run", RECIPE, cwd=folder, **environment)
    assert done.returncode == 0, done.stderr
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        run(folder, "dvc", "repro")  # which finds every output made
    finished = Finished(folder, uri)
    _keep_checkpoint(finished)
    return finished


def _keep_checkpoint(finished: Finished) -> None:
    record = read_record(finished.outputs / "train" / TRAINED)
    assert record is not None
    write_checkpoint(finished.checkpoints, record.identity)


def write_checkpoint(folder: Path, run: str) -> Path:
    """A checkpoint as the trainer writes it, of a model of one layer."""
    import torch

    from msm.training.checkpoint import Course, save_checkpoint
    from msm.training.trained import Trained

    weights = {"layer.weight": torch.arange(64.0).reshape(8, 8)}
    moments = {"layer.weight": {"exp_avg": torch.ones(8, 8), "exp_avg_sq": torch.full((8, 8), 0.5)}}
    return save_checkpoint(folder, STEP, Trained(weights, moments, STEP), Course(run, "0" * 64))


@contextmanager
def flipped(path: Path, at: int | None = None, bit: int = 1) -> Iterator[None]:
    """One byte of a file changed, by default that in the middle; undone at the end."""
    before = path.read_bytes()
    place = len(before) // 2 if at is None else at
    after = bytearray(before)
    after[place] ^= bit
    path.write_bytes(after)
    try:
        yield
    finally:
        path.write_bytes(before)


@contextmanager
def replaced(path: Path, old: str, new: str) -> Iterator[None]:
    """One character of a text changed: ``old`` and ``new`` differ in one; undone at the end."""
    before = path.read_bytes()
    assert before.count(old.encode()) >= 1, f"{path} does not hold {old}"
    assert len(old) == len(new) and sum(a != b for a, b in zip(old, new, strict=True)) == 1
    path.write_bytes(before.replace(old.encode(), new.encode(), 1))
    try:
        yield
    finally:
        path.write_bytes(before)
