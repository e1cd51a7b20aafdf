"""Folders to and from S3 over connections that break, by processes that are killed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from msm.identity import digest_path, file_digests
from msm.storage.fetch import fetch_folder
from msm.storage.manifest import MANIFEST
from msm.storage.push import push_folder
from tests.bad_line import BadLine
from tests.s3_server import S3Server
from tests.sent_folders import MEGABYTE, SMALL_BYTES, SMALL_FILES, left, place, put, refused, size

PATIENCE_SECONDS = 60


def test_connections_that_break_off_are_taken_up_again(
    s3: S3Server, pushed: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BadLine(s3.url, cut_after=MEGABYTE // 4, cuts=5) as line:
        monkeypatch.setenv("AWS_ENDPOINT_URL", line.url)
        fetch_folder(pushed, tmp_path / "out")
    assert line.cuts_left == 0
    assert digest_path(tmp_path / "out") == digest_path(folder)


def _kill_when(work: str, line: BadLine, moment: Callable[[], bool]) -> None:
    """``kill -9`` a process that does ``work`` over a line, at a moment."""
    process = subprocess.Popen(
        [sys.executable, "-c", work], env={**os.environ, "AWS_ENDPOINT_URL": line.url}
    )
    until = time.monotonic() + PATIENCE_SECONDS
    while not moment():
        assert process.poll() is None, "it ended before its time"
        assert time.monotonic() < until
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -9


def _kill_fetch(s3: S3Server, url: str, out: Path, digest: str, parts: int) -> Path:
    """``kill -9`` a fetch as soon as it has noted so many parts; returns what it left aside."""
    aside = out.parent / f".{out.name}.fetch"
    journal = aside / "parts.jsonl"
    work = (
        "from pathlib import Path; from msm.storage.fetch import fetch_folder;"
        f"fetch_folder({url!r}, Path({str(out)!r}), {digest!r})"
    )

    def noted() -> bool:
        return journal.exists() and journal.read_text().count("\n") >= parts

    with BadLine(s3.url, bytes_per_second=4 * MEGABYTE) as line:
        _kill_when(work, line, noted)
    assert not out.exists()
    return aside


@pytest.mark.parametrize("source", ["manifest", "foreign"])
def test_a_killed_fetch_leaves_no_folder_and_goes_on_from_what_it_had(
    s3: S3Server,
    s3_url: str,
    pushed: str,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
) -> None:
    out, digest = tmp_path / "out", digest_path(folder)
    url = pushed if source == "manifest" else put(s3, s3_url, folder)
    aside = _kill_fetch(s3, url, out, digest, SMALL_FILES // 2)
    with (aside / "parts.jsonl").open("a") as file:
        file.write('{"name": "a-')  # what a cut write leaves
    with BadLine(s3.url) as line:
        monkeypatch.setenv("AWS_ENDPOINT_URL", line.url)
        fetch_folder(url, out, digest)
    assert file_digests(out) == file_digests(folder)
    assert line.received < size(folder) - (SMALL_FILES // 2 - 1) * SMALL_BYTES
    assert left(out) == ["out"]


def test_what_a_killed_fetch_had_is_not_mixed_with_what_lies_there_now(
    s3: S3Server, s3_url: str, folder: Path, tmp_path: Path
) -> None:
    put(s3, s3_url, folder)
    _kill_fetch(s3, s3_url, tmp_path / "out", digest_path(folder), 1)
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    for number in range(SMALL_FILES):  # the same names and sizes
        (other / f"a-{number:02d}.bin").write_bytes(bytes([number]) * SMALL_BYTES)
    put(s3, s3_url, other)
    out = fetch_folder(s3_url, tmp_path / "out", digest_path(other))
    assert file_digests(out) == file_digests(other)


@pytest.mark.parametrize("source", ["manifest", "foreign"])
def test_bytes_that_went_bad_on_the_disk_are_fetched_again(
    s3: S3Server, s3_url: str, pushed: str, folder: Path, tmp_path: Path, source: str
) -> None:
    url = pushed if source == "manifest" else put(s3, s3_url, folder)
    aside = _kill_fetch(s3, url, tmp_path / "out", digest_path(folder), 1)
    for path in (aside / "files").glob("*.bin"):
        path.write_bytes(bytes(SMALL_BYTES))
    out = fetch_folder(url, tmp_path / "out", digest_path(folder))
    assert file_digests(out) == file_digests(folder)


def test_a_killed_push_is_not_taken_for_whole_and_goes_on_from_what_it_had(
    s3: S3Server, s3_url: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = s3.client()
    large = place(s3_url, "model.safetensors")

    def begun() -> list[str]:
        uploads = client.list_multipart_uploads(Bucket=large["Bucket"], Prefix=large["Key"])
        return [item["UploadId"] for item in uploads.get("Uploads", ())]

    def a_part_is_there() -> bool:
        parts = [client.list_parts(**large, UploadId=item).get("Parts") for item in begun()]
        return any(parts)

    work = (
        "from pathlib import Path; from msm.storage.push import push_folder;"
        f"push_folder(Path({str(folder)!r}), {s3_url!r})"
    )
    with BadLine(s3.url, bytes_per_second=4 * MEGABYTE) as line:
        _kill_when(work, line, a_part_is_there)
    assert begun()
    assert f"has no {MANIFEST}" in refused(fetch_folder, s3_url, tmp_path / "out")
    with BadLine(s3.url) as line:
        monkeypatch.setenv("AWS_ENDPOINT_URL", line.url)
        push_folder(folder, s3_url)
    assert line.sent < size(folder) - SMALL_FILES // 2 * SMALL_BYTES
    assert not begun()
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    assert file_digests(fetch_folder(s3_url, tmp_path / "out")) == file_digests(folder)
