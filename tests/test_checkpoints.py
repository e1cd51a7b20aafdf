"""Checkpoints: whole or absent, ordered by number, refused by name, and kept by policy."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from msm.errors import UserError
from msm.identity import digest_file
from msm.training.checkpoint import (
    OPTIMISER,
    WEIGHTS,
    Course,
    load_checkpoint,
    newest_checkpoint,
    save_checkpoint,
)
from msm.training.checkpoint_folders import STATE, checkpoints_in, folder_name, remove_older
from msm.training.randomness import restore_random_states
from msm.training.tensor_file import write_tensors
from tests.checkpoint_worker import COURSE, RESULT, some_state, train_apart

PATIENCE_SECONDS = 60
SMALL = (8, 16)


def _save(folder: Path, *steps: int) -> list[Path]:
    folder.mkdir(exist_ok=True)
    return [save_checkpoint(folder, step, some_state(step, SMALL), COURSE) for step in steps]


def _refused(path: Path, course: Course = COURSE) -> str:
    with pytest.raises(UserError) as caught:
        load_checkpoint(path, course)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_state_comes_back_to_the_bit(tmp_path: Path) -> None:
    state = some_state(3)
    loaded = load_checkpoint(save_checkpoint(tmp_path, 42, state, COURSE), COURSE)
    assert loaded.step == 42
    assert loaded.trained.updates == state.updates
    assert loaded.trained.weights.keys() == state.weights.keys()
    assert torch.equal(loaded.trained.weights["a.weight"], state.weights["a.weight"])
    for kind, tensor in state.moments["a.weight"].items():
        assert torch.equal(loaded.trained.moments["a.weight"][kind], tensor)
    names = {path.name for path in (tmp_path / "step-00000042").iterdir()}
    assert names == {WEIGHTS, OPTIMISER, STATE}


def test_every_random_generator_goes_on_where_it_was(tmp_path: Path) -> None:
    def draw() -> tuple[float, ...]:
        numbers = (random.random(), random.gauss(), np.random.random(), np.random.normal())
        return (*numbers, *torch.rand(3).tolist(), *torch.randn(3).tolist())

    draw()
    random.gauss()  # leaves one behind for the next call
    np.random.normal()
    path = save_checkpoint(tmp_path, 1, some_state(0, SMALL), COURSE)
    expected = draw()
    assert draw() != expected
    restore_random_states(load_checkpoint(path, COURSE).randomness)
    assert draw() == expected


def test_what_is_written_is_safetensors(tmp_path: Path) -> None:
    tensors = {
        "matrix": torch.rand(5, 7),
        "turned": torch.rand(4, 3).T,
        "scalar": torch.tensor(2.5),
        "none": torch.zeros(0, 3),
        "half": torch.rand(3).to(torch.bfloat16),
        "ä": torch.arange(4),
    }
    entry = write_tensors(tmp_path / "x.safetensors", tensors)
    read = load_file(tmp_path / "x.safetensors")
    assert read.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert read[name].dtype == tensor.dtype
        assert torch.equal(read[name], tensor)
    assert entry.sha256 == digest_file(tmp_path / "x.safetensors")
    assert entry.size == (tmp_path / "x.safetensors").stat().st_size


def test_the_newest_is_the_highest_number_however_names_are_padded(tmp_path: Path) -> None:
    _save(tmp_path, 99, 100)
    (tmp_path / folder_name(99)).rename(tmp_path / "step-99")
    (tmp_path / folder_name(100)).rename(tmp_path / "step-100")
    assert newest_checkpoint(tmp_path) == tmp_path / "step-100"
    (tmp_path / "step-00000100").mkdir()
    (tmp_path / "step-00000100" / STATE).touch()
    with pytest.raises(UserError, match="both the checkpoint of step 100"):
        newest_checkpoint(tmp_path)


def test_the_newest_stay_and_what_is_being_copied_too(tmp_path: Path) -> None:
    _save(tmp_path, 8, 9, 10, 11, 99, 100)
    (tmp_path / ".step-00000101.partial").mkdir()
    (tmp_path / "notes").mkdir()
    remove_older(tmp_path, 2, spared={9})
    assert list(checkpoints_in(tmp_path)) == [9, 99, 100]
    remove_older(tmp_path, 2)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"step-00000099", "step-00000100", "notes"}


def test_nothing_there_and_no_state_is_no_checkpoint(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path / "none") is None
    older, newer = _save(tmp_path, 1, 2)
    (newer / STATE).unlink()
    assert newest_checkpoint(tmp_path) == older


@pytest.mark.parametrize("name", [WEIGHTS, OPTIMISER, STATE])
def test_one_flipped_byte_is_refused_by_name(tmp_path: Path, name: str) -> None:
    paths = _save(tmp_path, 40, 41, 42)
    _flip(paths[2] / name)
    message = _refused(paths[2])
    assert str(paths[2] / name) in message
    assert "step" in message
    assert f"remove {paths[2]} to go on from step 41" in message
    _flip(paths[1] / name)
    assert f"remove {paths[2]} and {paths[1]} to go on from step 40" in _refused(paths[2])
    _flip(paths[0] / name)
    assert "no older checkpoint is sound" in _refused(paths[2])


@pytest.mark.parametrize("name", [WEIGHTS, OPTIMISER])
def test_a_missing_or_shorter_file_is_refused_by_name(tmp_path: Path, name: str) -> None:
    _, newer = _save(tmp_path, 1, 2)
    os.truncate(newer / name, (newer / name).stat().st_size - 1)
    assert f"{newer / name}, of the checkpoint of step 2, is not as" in _refused(newer)
    (newer / name).unlink()
    message = _refused(newer)
    assert f"{newer / name}, of the checkpoint of step 2, is missing" in message
    assert "to go on from step 1" in message


def test_another_run_or_plan_is_refused(tmp_path: Path) -> None:
    (path,) = _save(tmp_path, 5)
    assert "belongs to the run 111111111111" in _refused(path, Course("3" * 64, COURSE.plan))
    assert "another plan of steps" in _refused(path, Course(COURSE.run, "3" * 64))
    other = Course("3" * 64, "4" * 64)
    save_checkpoint(tmp_path, 5, some_state(6, SMALL), other)  # in its place
    assert load_checkpoint(path, other).step == 5


def test_a_step_that_is_there_is_left_and_a_broken_one_is_written_again(tmp_path: Path) -> None:
    (path,) = _save(tmp_path, 5)
    before = (path / STATE).stat().st_mtime_ns
    _save(tmp_path, 5)
    assert (path / STATE).stat().st_mtime_ns == before
    _flip(path / WEIGHTS)
    _save(tmp_path, 5)
    assert load_checkpoint(path, COURSE).step == 5


def test_a_file_that_may_not_grow_leaves_the_older_checkpoint(tmp_path: Path) -> None:
    (older,) = _save(tmp_path, 1)
    largest = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, largest[1]))
    try:
        with pytest.raises(UserError, match=r"may grow no larger.*that of step 1 is kept"):
            save_checkpoint(tmp_path, 2, some_state(), COURSE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, largest)
    assert [path.name for path in tmp_path.iterdir()] == [older.name]
    assert load_checkpoint(older, COURSE).step == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB: two checkpoints and a bit."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_the_older_checkpoints_and_a_save_with_room_goes_on(
    small_disk: Path,
) -> None:
    ballast = small_disk / "ballast"
    save_checkpoint(small_disk, 1, some_state(1), COURSE)
    for room in range(0, 3_000_000, 500_000):  # in the middle of each of the files
        ballast.unlink(missing_ok=True)
        ballast.write_bytes(bytes(max(0, shutil.disk_usage(small_disk).free - room)))
        with pytest.raises(UserError, match=r"is full; free some space.*that of step 1 is kept"):
            save_checkpoint(small_disk, 2, some_state(2), COURSE)
        newest = newest_checkpoint(small_disk)
        assert newest is not None
        assert load_checkpoint(newest, COURSE).step == 1
    ballast.unlink()
    assert load_checkpoint(save_checkpoint(small_disk, 2, some_state(2), COURSE), COURSE).step == 2


def _start(folder: Path, steps: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.checkpoint_worker", str(folder), str(steps), "0.05"],
        stderr=subprocess.PIPE,
        text=True,
    )
    _until(lambda: newest_checkpoint(folder) is not None, process.poll)
    return process


def _until(reached: Callable[[], bool], ended: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not reached():
        assert ended() is None, "it ended before its time"
        assert time.monotonic() < until
        time.sleep(0.001)


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGUSR1, 138)],
)
def test_asked_to_stop_it_saves_and_does_not_look_done(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    process = _start(tmp_path, 10_000)
    before = newest_checkpoint(tmp_path)
    process.send_signal(number)
    _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == code
    newest = newest_checkpoint(tmp_path)
    assert newest is not None
    assert before is not None
    step = load_checkpoint(newest, COURSE).step
    assert said.splitlines() == [
        f"msm: stopped by {number.name} after step {step}; the same command goes on from here"
    ]
    assert newest >= before


def test_before_and_after_the_loop_sigterm_ends_at_once(tmp_path: Path) -> None:
    work = (
        "import time; from msm.cli import _guarded\n"
        "def wait():\n print('here', flush=True); time.sleep(100)\n"
        "raise SystemExit(_guarded(wait))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", work], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    process.terminate()
    _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 143
    assert len(said.splitlines()) == 1


@pytest.mark.slow
def test_killed_at_random_moments_also_during_a_save_it_ends_bit_for_bit_the_same(
    tmp_path: Path,
) -> None:
    steps, chance = 60, random.Random(7)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.checkpoint_worker"])

    def start(folder: Path) -> multiprocessing.process.BaseProcess:
        process = context.Process(target=train_apart, args=(dict(os.environ), folder, steps, ""))
        process.start()
        return process

    start(whole).join()
    saving = 0
    for moment in range(10):
        before = _step(cut)
        least = before + chance.randint(1, 4)
        process = start(cut)
        _until(lambda least=least: _step(cut) >= least, _exit(process))  # type: ignore[misc]
        if moment % 2:
            _until(lambda: bool(list(cut.glob(".step-*.partial"))), _exit(process))
        time.sleep(chance.uniform(0, 0.005))
        process.kill()
        process.join()
        saving += bool(list(cut.glob(".step-*.partial")))
        newest = newest_checkpoint(cut)
        assert newest is not None
        assert load_checkpoint(newest, COURSE).step >= before
    assert saving > 0
    start(cut).join()
    assert digest_file(cut / RESULT) == digest_file(whole / RESULT)
    last = folder_name(steps)
    assert json.loads((cut / last / STATE).read_text()) == json.loads(
        (whole / last / STATE).read_text()
    )


def _exit(process: multiprocessing.process.BaseProcess) -> Callable[[], object]:
    return lambda: process.exitcode


def _step(folder: Path) -> int:
    return max(checkpoints_in(folder), default=0)
