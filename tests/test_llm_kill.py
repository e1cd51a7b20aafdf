"""Stages that ask models cut off by force, by a second process, and by a full disk."""

from __future__ import annotations

import functools
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from msm.errors import UserError
from msm.task import Stage
from tests.author_recipe import (
    CONNECTIONS,
    CORPUS,
    RECIPE,
    failures,
    journal,
    make,
    output,
    overrides,
    rows,
    settings,
    task_name,
)
from tests.author_server import AuthorServer, Behaviour
from tests.commands import msm, start_msm
from tests.kills import kill_at_random_moments

WIDE = {"domains": 3, "subdomains": 3, "types": 3, "ideas": 3}
KILLS = 10
COUNTS = {Stage.PLAN: 60, Stage.WRITE: 60, Stage.DEMONSTRATE: 24}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "most"), [(Stage.PLAN, 4), (Stage.WRITE, 8), (Stage.DEMONSTRATE, 6)]
)
def test_killed_at_ten_random_moments_it_loses_nothing_and_pays_for_nothing_again(
    author: AuthorServer, tmp_path: Path, stage: Stage, most: int
) -> None:
    given = functools.partial(settings, documents=60, corpus__outline=WIDE)
    others = (Stage.PLAN,) if stage is Stage.WRITE else ()
    for each in others:
        make(each, tmp_path, given(author.url))
    before = author.paid()
    command = (stage, RECIPE, task_name(stage), *overrides(author.url, 60, corpus__outline=WIDE))
    author.behave(Behaviour(latency=0.03))
    seen = kill_at_random_moments(
        [str(part) for part in command],
        tmp_path,
        author.answers,
        lambda: ({row["digest"] for row in journal(stage, tmp_path)}, author.paid()),
        times=KILLS,
        most=most,
        seed=most,
    )
    assert not output(stage, tmp_path).exists()
    done = msm(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    paid = author.paid()
    assert seen[-1][0]
    for journaled, paid_then in seen:
        assert {digest: paid_then[digest] for digest in journaled}.items() <= paid.items()
    paid -= before
    assert paid.total() - len(paid) <= KILLS * CONNECTIONS
    made = rows(stage, tmp_path)
    assert len({row["id"] for row in made}) == len(made) == COUNTS[stage]
    assert failures(stage, tmp_path) == []

    uncut = tmp_path / "uncut"
    for each in (*others, stage):
        make(each, uncut, given(author.url))
    assert made == rows(stage, uncut)


@pytest.mark.parametrize("stage", [Stage.PLAN, Stage.WRITE, Stage.DEMONSTRATE])
def test_a_second_process_on_one_output_stops_with_one_line(
    author: AuthorServer, tmp_path: Path, stage: Stage
) -> None:
    chosen = functools.partial(settings, execution__author__timeout_seconds=60)
    if stage is Stage.WRITE:
        make(Stage.PLAN, tmp_path, chosen(author.url))
    author.behave(Behaviour(latency=30))
    command = (
        stage,
        RECIPE,
        task_name(stage),
        *overrides(author.url, execution__author__timeout_seconds=60),
    )
    first = start_msm(*command, cwd=tmp_path)
    try:
        while not list(output(stage, tmp_path).parent.glob(".*.partial-*")):
            assert first.poll() is None
            time.sleep(0.01)
        with pytest.raises(UserError, match="another process is at work") as stopped:
            make(stage, tmp_path, chosen(author.url))
        second = msm(*command, cwd=tmp_path) if stage is Stage.PLAN else None
    finally:
        first.kill()
        first.communicate()
    assert "\n" not in str(stopped.value)
    if second is not None:
        assert second.returncode == 2
        assert len(second.stderr.splitlines()) == 1
        assert "another process is at work" in second.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_stops_with_one_line_and_the_stage_goes_on_once_there_is_room(
    author: AuthorServer, tmp_path: Path, small_disk: Path
) -> None:
    chosen = settings(author.url)
    make(Stage.PLAN, small_disk, chosen)
    before = author.paid()
    ballast = small_disk / "ballast"
    stops = 0
    for room in range(8_192, 131_072, 8_192):  # it fills up earlier and later, to the last file
        _leave(small_disk, ballast, room)
        try:
            make(Stage.WRITE, small_disk, chosen)
        except UserError as error:
            assert "is full; free some space" in str(error)
            assert "\n" not in str(error)
            assert not output(Stage.WRITE, small_disk).exists()
            stops += 1
        else:
            break
    assert stops > 2
    written = rows(Stage.WRITE, small_disk)
    assert [row["id"] for row in written] == [row["id"] for row in rows(Stage.PLAN, small_disk)]
    paid = author.paid() - before
    assert paid.total() - len(paid) <= stops * CONNECTIONS


def test_a_full_disk_is_exit_2(author: AuthorServer, tmp_path: Path, small_disk: Path) -> None:
    make(Stage.PLAN, small_disk, settings(author.url))
    _leave(small_disk, small_disk / "ballast", 16_384)
    stopped = msm("write", RECIPE, CORPUS, "-w", small_disk, *overrides(author.url), cwd=tmp_path)
    assert stopped.returncode == 2
    assert len(stopped.stderr.splitlines()) == 1
    assert "is full; free some space" in stopped.stderr


@pytest.mark.parametrize("stage", [Stage.PLAN, Stage.WRITE, Stage.DEMONSTRATE])
def test_a_file_that_may_not_grow_is_one_line_and_nothing_is_lost(
    author: AuthorServer, tmp_path: Path, stage: Stage
) -> None:
    chosen = settings(author.url)
    if stage is Stage.WRITE:
        make(Stage.PLAN, tmp_path, chosen)
    before = author.paid()
    largest = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_192, largest[1]))
    try:
        with pytest.raises(UserError, match="may grow no larger") as stopped:
            make(stage, tmp_path, chosen)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, largest)
    assert "\n" not in str(stopped.value)
    assert not output(stage, tmp_path).exists()
    make(stage, tmp_path, chosen)
    assert len({row["id"] for row in rows(stage, tmp_path)}) == 24
    paid = author.paid() - before
    assert paid.total() - len(paid) <= CONNECTIONS


def _leave(disk: Path, ballast: Path, room: int) -> None:
    """Fill a disk up to so many bytes."""
    ballast.unlink(missing_ok=True)
    ballast.write_bytes(b"x" * max(0, shutil.disk_usage(disk).free - room))
