"""Copies of checkpoints in S3, on a real server: behind the loop, and whole or not counted."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file

from msm.errors import UserError
from msm.identity import file_digests
from msm.storage.address import parse_address
from msm.storage.fetch import fetch_folder
from msm.storage.folders import folders_below, remove_folder
from msm.storage.manifest import MANIFEST
from msm.storage.push import push_folder
from msm.training.checkpoint import WEIGHTS, load_checkpoint, save_checkpoint
from msm.training.checkpoint_folders import checkpoints_in, remove_older
from msm.training.checkpoint_store import (
    copy_checkpoint,
    fetch_newer,
    newest_whole,
    place,
    whole_copies,
)
from msm.training.copying import Copies
from tests.bad_line import BadLine
from tests.checkpoint_worker import COURSE, KEPT, RESULT, SHAPE, some_state, train, train_apart
from tests.faulty_lines import BusyLine, SilentLine, SpoilingLine
from tests.s3_server import S3Server

PATIENCE_SECONDS = 120
SMALL = (8, 16)
RUN = COURSE.run


def _save(folder: Path, step: int, shape: tuple[int, ...] = SMALL, seed: int = 0) -> Path:
    folder.mkdir(exist_ok=True)
    return save_checkpoint(folder, step, some_state(seed or step, shape), COURSE)


def _until(reached: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not reached():
        assert time.monotonic() < until
        time.sleep(0.005)


def _remove_object(s3: S3Server, url: str, name: str) -> None:
    address = parse_address(url)
    s3.client().delete_object(Bucket=address.bucket, Key=address.key(name))


def test_a_copy_is_whole_and_older_ones_go_by_number(s3_url: str, tmp_path: Path) -> None:
    url = place(s3_url, RUN)
    other = place(s3_url, RUN + "0")
    push_folder(_save(tmp_path / "other", 1), f"{other}/step-00000001")
    for step in (99, 100, 8, 101):
        copy_checkpoint(_save(tmp_path / "here", step), url, 2)
    assert list(whole_copies(url)) == [100, 101]
    assert newest_whole(s3_url, RUN) == (101, f"{url}/step-00000101")
    assert list(whole_copies(other)) == [1]
    assert newest_whole(s3_url, "9" * 64) is None


def test_another_machine_goes_on_from_the_newest_whole_copy(
    s3: S3Server, s3_url: str, tmp_path: Path
) -> None:
    url, here, there = place(s3_url, RUN), tmp_path / "here", tmp_path / "there"
    for step in (1, 2, 3):
        copy_checkpoint(_save(here, step), url, 3)
    _remove_object(s3, f"{url}/step-00000003", MANIFEST)
    fetched = fetch_newer(s3_url, RUN, there)
    assert fetched == there / "step-00000002"
    assert file_digests(fetched) == file_digests(here / "step-00000002")
    assert load_checkpoint(fetched, COURSE).step == 2
    assert fetch_newer(s3_url, RUN, there) is None
    _save(there, 7)
    assert fetch_newer(s3_url, RUN, there) is None
    assert fetch_newer(s3_url, "9" * 64, there) is None


def test_a_copy_of_the_same_step_that_went_another_way_is_replaced(
    s3_url: str, tmp_path: Path
) -> None:
    url = place(s3_url, RUN)
    copy_checkpoint(_save(tmp_path / "one", 4, seed=1), url, 2)
    other = _save(tmp_path / "two", 4, seed=2)
    copy_checkpoint(other, url, 2)
    assert file_digests(fetch_folder(f"{url}/step-00000004", tmp_path / "out")) == file_digests(
        other
    )


def test_what_is_not_whole_stays_until_a_newer_one_is(
    s3: S3Server, s3_url: str, tmp_path: Path
) -> None:
    url = place(s3_url, RUN)
    for step in (1, 2, 3):
        push_folder(_save(tmp_path / "here", step), f"{url}/step-{step:08d}")
    for step in (2, 3):
        _remove_object(s3, f"{url}/step-{step:08d}", MANIFEST)
    assert dict(folders_below(url)) == {
        "step-00000001": True,
        "step-00000002": False,
        "step-00000003": False,
    }
    copy_checkpoint(_save(tmp_path / "here", 3), url, 1)  # goes on where 3 was cut
    assert dict(folders_below(url)) == {"step-00000003": True}


def test_a_removed_folder_leaves_nothing_not_even_a_begun_upload(
    s3: S3Server, s3_url: str, tmp_path: Path
) -> None:
    push_folder(_save(tmp_path / "here", 1), f"{s3_url}/a")
    address = parse_address(f"{s3_url}/a")
    for _ in range(2):
        s3.client().create_multipart_upload(
            Bucket=address.bucket, Key=address.key("large"), ChecksumAlgorithm="SHA256"
        )
    remove_folder(f"{s3_url}/a")
    remove_folder(f"{s3_url}/a")
    assert not folders_below(s3_url)


def test_changed_bytes_in_the_store_name_the_older_copy(
    s3: S3Server, s3_url: str, tmp_path: Path
) -> None:
    url = place(s3_url, RUN)
    for step in (1, 2):
        copy_checkpoint(_save(tmp_path / "here", step), url, 2)
    address = parse_address(f"{url}/step-00000002")
    content = bytearray((tmp_path / "here" / "step-00000002" / WEIGHTS).read_bytes())
    content[-1] ^= 1
    s3.client().put_object(Bucket=address.bucket, Key=address.key(WEIGHTS), Body=bytes(content))
    with pytest.raises(UserError, match=r"step 2 cannot be had: .* to go on from step 1"):
        fetch_newer(s3_url, RUN, tmp_path / "there")
    assert not checkpoints_in(tmp_path / "there")


def test_the_loop_never_waits_and_only_the_newest_waits(
    s3: S3Server, s3_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SilentLine(s3.url) as line:
        monkeypatch.setenv("AWS_ENDPOINT_URL", line.url)
        copies = Copies(s3_url, RUN, 2)
        copies.offer(_save(tmp_path, 1))
        _until(lambda: line.sent > 0)
        for step in range(2, 10):
            copies.offer(_save(tmp_path, step))
            remove_older(tmp_path, 1, copies.held)
        assert copies.held == {1, 9}
        assert list(checkpoints_in(tmp_path)) == [1, 9]
        line.opened()
        assert copies.close(PATIENCE_SECONDS) == ""
    assert copies.held == frozenset()
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    assert list(whole_copies(place(s3_url, RUN))) == [1, 9]


def test_a_server_that_says_nothing_does_not_hold_up_the_end(
    s3: S3Server, s3_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SilentLine(s3.url) as line:
        monkeypatch.setenv("AWS_ENDPOINT_URL", line.url)
        copies = Copies(s3_url, RUN, 2)
        copies.offer(_save(tmp_path, 5))
        missing = copies.close(3.0)
    assert "step 5 is not copied" in missing and "time was up" in missing
    assert "\n" not in missing
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    assert newest_whole(s3_url, RUN) is None


def test_a_server_that_fails_a_fifth_of_all_calls(
    s3: S3Server, s3_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BusyLine(s3.url, share=0.2, seed=3) as line:
        monkeypatch.setenv("AWS_ENDPOINT_URL", line.url)
        train(tmp_path / "here", 6, s3_url)
        assert fetch_newer(s3_url, RUN, tmp_path / "there") is not None
    assert line.refusals > 0
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    copies = whole_copies(place(s3_url, RUN))
    assert max(copies) == 6
    assert len(copies) <= KEPT
    assert load_checkpoint(tmp_path / "there" / "step-00000006", COURSE).step == 6


def test_spoilt_bytes_never_make_a_whole_copy_and_the_next_copy_heals_it(
    s3: S3Server, s3_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = (1024, 2048)  # moments in two parts
    with SpoilingLine(s3.url) as line:
        monkeypatch.setenv("AWS_ENDPOINT_URL", line.url)
        with pytest.raises(UserError, match="other bytes came to"):
            copy_checkpoint(_save(tmp_path, 1, large), place(s3_url, RUN), 2)
        assert newest_whole(s3_url, RUN) is None
        copies = Copies(s3_url, RUN, 2)
        copies.offer(tmp_path / "step-00000001")
        _until(lambda: not copies.held - {1} and bool(copies._fault))
        assert copies.held == {1}
        line.spoils = False
        copies.offer(_save(tmp_path, 2, large))
        assert copies.close(PATIENCE_SECONDS) == ""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    assert list(whole_copies(place(s3_url, RUN))) == [2]
    out = fetch_newer(s3_url, RUN, tmp_path / "there")
    assert out is not None
    assert file_digests(out) == file_digests(tmp_path / "step-00000002")


def test_what_failed_last_is_tried_once_more_at_the_end(
    s3: S3Server, s3_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SpoilingLine(s3.url) as line:
        monkeypatch.setenv("AWS_ENDPOINT_URL", line.url)
        copies = Copies(s3_url, RUN, 2)
        copies.offer(_save(tmp_path, 1, SHAPE))
        _until(lambda: bool(copies._fault))
        line.spoils = False
        assert copies.close(PATIENCE_SECONDS) == ""
        assert newest_whole(s3_url, RUN) is not None


def test_sigterm_copies_the_last_checkpoint_within_the_grace_period(
    s3: S3Server, s3_url: str, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.checkpoint_worker", str(tmp_path), "10000", "0.1", s3_url],
        stderr=subprocess.PIPE,
        text=True,
    )
    _until(lambda: bool(checkpoints_in(tmp_path)))
    process.terminate()
    _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 143, said
    assert len(said.splitlines()) == 1
    found = newest_whole(s3_url, RUN)
    assert found is not None
    assert found[0] == max(checkpoints_in(tmp_path))


@pytest.mark.slow
def test_killed_at_random_moments_also_during_an_upload_another_machine_goes_on(
    s3: S3Server, s3_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps, chance, url = 40, random.Random(11), place(s3_url, RUN)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.checkpoint_worker", "boto3"])
    cut_off, before = 0, 0
    with BadLine(s3.url, bytes_per_second=6_000_000) as line:
        environment = {**os.environ, "AWS_ENDPOINT_URL": line.url}
        for moment in range(5):
            here = tmp_path / f"machine-{moment}"  # each starts with nothing but the store
            arguments = (environment, here, 10_000, s3_url)
            process = context.Process(target=train_apart, args=arguments)
            sent = line.sent + chance.randint(1, 4_000_000)
            process.start()
            _until(lambda sent=sent: line.sent >= sent)  # type: ignore[misc]
            process.kill()
            process.join()
            time.sleep(0.5)  # its copying dies with it
            still = line.sent
            folders = folders_below(url)
            cut_off += not all(folders.values())
            found = newest_whole(s3_url, RUN)
            assert (found[0] if found else 0) >= before
            before = found[0] if found else 0
            time.sleep(0.2)
            assert line.sent == still
    assert cut_off > 0
    steps += before
    train(tmp_path / "last", steps, s3_url)
    train(tmp_path / "whole", steps)
    assert file_digests(tmp_path / "last")[RESULT] == file_digests(tmp_path / "whole")[RESULT]
    shutil.rmtree(tmp_path / "last")
    out = fetch_newer(s3_url, RUN, tmp_path / "last")
    assert out is not None
    assert load_checkpoint(out, COURSE).step == steps
    assert load_file(out / WEIGHTS).keys() == {"a.weight"}
    assert len(whole_copies(url)) <= KEPT
