"""Folders to and from S3, on a real server: whole, verified, resumed, and refused in one line."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from msm.errors import UserError
from msm.identity import digest_path, file_digests
from msm.storage.address import parse_address
from msm.storage.fetch import fetch_folder
from msm.storage.manifest import MANIFEST, FileEntry, Manifest
from msm.storage.push import push_folder
from tests.bad_line import BadLine
from tests.s3_server import BUCKET, SECRET, S3Server

PATIENCE_SECONDS = 60
MEGABYTE = 1_000_000
SMALL_BYTES = MEGABYTE // 2
SMALL_FILES = 20
LARGE_BYTES = 36 * MEGABYTE  # three parts


@pytest.fixture(scope="session")
def pushed_once(s3_server: S3Server, folder: Path) -> str:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3_server.environment.items():
            patch.setenv(name, value)
        push_folder(folder, f"s3://{BUCKET}/pushed")
    return f"s3://{BUCKET}/pushed"


@pytest.fixture
def pushed(s3: S3Server, pushed_once: str) -> str:
    """The address of the folder, which tests only read."""
    return pushed_once


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of several parts, small and empty ones, odd names and a record."""
    folder = tmp_path_factory.mktemp("pushed") / "model"
    (folder / "deep" / "er").mkdir(parents=True)
    chance = random.Random(5)
    (folder / "model.safetensors").write_bytes(chance.randbytes(LARGE_BYTES))
    for number in range(SMALL_FILES):
        (folder / f"a-{number:02d}.bin").write_bytes(chance.randbytes(SMALL_BYTES))
    (folder / "config.json").write_text("{}")
    (folder / "deep" / "er" / "ä b+c %41.txt").write_text("odd")
    (folder / "empty").touch()
    (folder / "record.json").write_text('{"of": "provenance"}')
    return folder


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _place(url: str, name: str) -> dict[str, str]:
    """A file's bucket and key."""
    address = parse_address(url)
    return {"Bucket": address.bucket, "Key": address.key(name)}


def _put(s3: S3Server, url: str, folder: Path) -> str:
    """Copy files as another tool would: no manifest, no checksum of ours; returns the address."""
    client = s3.client()
    for name in file_digests(folder):
        client.put_object(**_place(url, name), Body=(folder / name).read_bytes())
    return url


def _refused(act: Callable[..., object], *arguments: Any) -> str:
    """The message, which is one line and holds no secret."""
    with pytest.raises(UserError) as caught:
        act(*arguments)
    message = str(caught.value)
    assert "\n" not in message
    assert SECRET not in message
    return message


def _left(folder: Path) -> list[str]:
    """What lies beside a folder that was to be fetched, but for locks."""
    return [path.name for path in folder.parent.iterdir() if not path.name.endswith(".lock")]


def test_a_folder_comes_back_as_it_was(pushed: str, folder: Path, tmp_path: Path) -> None:
    digest = digest_path(folder)
    for pin in ("", digest, digest[:12]):
        out = tmp_path / f"fetched{len(pin)}" / "model"
        assert fetch_folder(f"{pushed}/", out, pin) == out
        assert file_digests(out) == file_digests(folder)
        assert (out / "record.json").read_bytes() == (folder / "record.json").read_bytes()
        assert _left(out) == ["model"]


def test_what_was_pushed_is_never_sent_twice_nor_overwritten(
    s3: S3Server, pushed: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BadLine(s3.url) as line:
        monkeypatch.setenv("AWS_ENDPOINT_URL", line.url)
        assert push_folder(folder, pushed) == digest_path(folder)
    assert line.sent < MEGABYTE
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text("[]")
    assert "holds another folder already" in _refused(push_folder, other, pushed)
    fetch_folder(pushed, tmp_path / "fetched", digest_path(folder))


def test_a_neighbour_whose_name_begins_alike_is_left_out(s3_url: str, tmp_path: Path) -> None:
    for name in ("run1", "run10"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.json").write_text("{}")
        push_folder(tmp_path / name, f"{s3_url}/{name}")
    out = fetch_folder(f"{s3_url}/run1", tmp_path / "out")
    assert file_digests(out).keys() == {"run1.json"}


def test_a_prefix_without_manifest_needs_a_pinned_digest(
    s3: S3Server, s3_url: str, folder: Path, tmp_path: Path
) -> None:
    _put(s3, s3_url, folder)
    s3.client().put_object(**_place(s3_url, "record.json"), Body=b"not covered")
    s3.client().put_object(**_place(s3_url, "marker/"), Body=b"")
    out = tmp_path / "out"
    assert f"has no {MANIFEST}" in _refused(fetch_folder, s3_url, out)
    wrong = "0" * 64
    message = _refused(fetch_folder, s3_url, out, wrong)
    assert digest_path(folder) in message
    assert wrong in message
    assert not _left(out)
    fetch_folder(s3_url, out, digest_path(folder)[:12])
    assert file_digests(out) == file_digests(folder)
    assert not (out / "record.json").exists()


@pytest.mark.parametrize("digest", ["0" * 11, "0" * 65, "main", "A" * 64])
def test_too_little_of_a_digest_pins_nothing(tmp_path: Path, digest: str) -> None:
    assert "pinned by its content digest" in _refused(
        fetch_folder, "s3://bucket/model", tmp_path / "out", digest
    )


def test_a_manifest_of_another_content_is_refused_before_a_file_is_fetched(
    s3: S3Server, pushed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BadLine(s3.url) as line:
        monkeypatch.setenv("AWS_ENDPOINT_URL", line.url)
        message = _refused(fetch_folder, pushed, tmp_path / "out", "0" * 64)
    assert "is pinned" in message
    assert line.received < MEGABYTE
    assert not _left(tmp_path / "out")


def test_changed_bytes_under_the_same_name_are_refused_by_name(
    s3: S3Server, s3_url: str, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    push_folder(folder, s3_url)
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[23_000_000] ^= 1
    place = _place(s3_url, "model.safetensors")
    s3.client().put_object(**place, Body=bytes(content))
    for pin in ("", digest_path(folder)):
        message = _refused(fetch_folder, s3_url, out, pin)
        assert "the bytes of model.safetensors are not those" in message
        assert not _left(out)
    s3.client().put_object(**place, Body=bytes(content[:-1]))
    assert "35999999 bytes, but 36000000" in _refused(fetch_folder, s3_url, out)
    s3.client().delete_object(**place)
    assert "lacks model.safetensors" in _refused(fetch_folder, s3_url, out)
    assert push_folder(folder, s3_url) == digest_path(folder)
    assert file_digests(fetch_folder(s3_url, out)) == file_digests(folder)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"format": 1, "files": {}, "digest": ""}',
        '{"format": 1, "files": {"a": {"size": -1, "sha256": ""}}, "digest": ""}',
        '{"format": 2, "files": {"a": {"size": 1, "sha256": 3}}, "digest": ""}',
    ],
)
def test_a_malformed_manifest(s3: S3Server, s3_url: str, tmp_path: Path, text: str) -> None:
    s3.client().put_object(**_place(s3_url, MANIFEST), Body=text.encode())
    message = _refused(fetch_folder, s3_url, tmp_path / "out")
    assert f"{MANIFEST} is malformed" in message


@pytest.mark.parametrize("name", ["../outside", "/outside", "a//b", "a/./b", "config.json/below"])
def test_a_name_that_would_lie_outside_the_folder(
    s3: S3Server, s3_url: str, tmp_path: Path, name: str
) -> None:
    entry = FileEntry(2, hashlib.sha256(b"{}").hexdigest())
    manifest = Manifest({"config.json": entry, name: entry})
    s3.client().put_object(**_place(s3_url, MANIFEST), Body=manifest.to_json().encode())
    message = _refused(fetch_folder, s3_url, tmp_path / "out")
    assert "no folder can hold safely" in message
    assert not (tmp_path / "outside").exists()


def test_a_wrong_secret(
    pushed: str, s3_url: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret-5512")
    out = tmp_path / "out"
    for message in (_refused(fetch_folder, pushed, out), _refused(push_folder, folder, s3_url)):
        assert "refuses access (SignatureDoesNotMatch)" in message
        assert "5512" not in message
    assert not out.exists()


def test_no_credentials(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    message = _refused(fetch_folder, "s3://bucket/model", tmp_path / "out")
    assert "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in message


def test_no_such_bucket_and_nothing_there(s3_url: str, folder: Path, tmp_path: Path) -> None:
    none = "s3://no-such-bucket-here/model"
    assert "there is no such bucket" in _refused(fetch_folder, none, tmp_path / "out")
    assert "there is no such bucket" in _refused(push_folder, folder, none)
    message = _refused(fetch_folder, s3_url, tmp_path / "out")
    assert f"there is nothing below {s3_url}" in message


def test_an_endpoint_out_of_reach(
    s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://user:{SECRET}@127.0.0.1:{port}")
        message = _refused(fetch_folder, "s3://bucket/model", tmp_path / "out")
    assert f"http://127.0.0.1:{port} cannot be reached" in message


def test_an_endpoint_that_is_no_s3(
    s3: S3Server, httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_request("/bucket").respond_with_data("<html>Welcome", 200)
    monkeypatch.setenv("AWS_ENDPOINT_URL", httpserver.url_for(""))
    message = _refused(fetch_folder, "s3://bucket/model", tmp_path / "out")
    assert "check AWS_ENDPOINT_URL" in message
    monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost")
    message = _refused(fetch_folder, "s3://bucket/model", tmp_path / "out")
    assert "AWS_ENDPOINT_URL is not a URL" in message


@pytest.mark.parametrize(
    "url", ["bucket/model", "s3://bucket", "s3://key:secret@bucket/model", "s3://bucket/a/../b"]
)
def test_an_address_that_is_none_is_not_repeated(url: str, tmp_path: Path) -> None:
    message = _refused(fetch_folder, url, tmp_path / "out")
    assert "written s3://bucket/prefix" in message
    assert "secret" not in message


def test_a_folder_that_cannot_be_pushed(s3_url: str, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    assert "is no folder" in _refused(push_folder, empty, s3_url)
    empty.mkdir()
    assert "holds no file" in _refused(push_folder, empty, s3_url)
    (empty / MANIFEST).touch()
    assert "which a push writes" in _refused(push_folder, empty, s3_url)


def test_a_folder_with_something_else_is_left_alone(
    s3: S3Server, pushed: str, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").write_text("mine")
    assert "something else" in _refused(fetch_folder, pushed, out, digest_path(folder))
    assert file_digests(out).keys() == {"mine"}


def test_two_at_once_fetch_it_once(
    s3: S3Server, pushed: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BadLine(s3.url) as line:
        monkeypatch.setenv("AWS_ENDPOINT_URL", line.url)
        arguments = (pushed, tmp_path / "out", digest_path(folder))
        both = [threading.Thread(target=fetch_folder, args=arguments) for _ in range(2)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
    assert digest_path(tmp_path / "out") == digest_path(folder)
    assert line.received < 1.5 * _size(folder)


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
    url = pushed if source == "manifest" else _put(s3, s3_url, folder)
    aside = _kill_fetch(s3, url, out, digest, SMALL_FILES // 2)
    with (aside / "parts.jsonl").open("a") as file:
        file.write('{"name": "a-')  # what a cut write leaves
    with BadLine(s3.url) as line:
        monkeypatch.setenv("AWS_ENDPOINT_URL", line.url)
        fetch_folder(url, out, digest)
    assert file_digests(out) == file_digests(folder)
    assert line.received < _size(folder) - (SMALL_FILES // 2 - 1) * SMALL_BYTES
    assert _left(out) == ["out"]


def test_what_a_killed_fetch_had_is_not_mixed_with_what_lies_there_now(
    s3: S3Server, s3_url: str, folder: Path, tmp_path: Path
) -> None:
    _put(s3, s3_url, folder)
    _kill_fetch(s3, s3_url, tmp_path / "out", digest_path(folder), 1)
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    for number in range(SMALL_FILES):  # the same names and sizes
        (other / f"a-{number:02d}.bin").write_bytes(bytes([number]) * SMALL_BYTES)
    _put(s3, s3_url, other)
    out = fetch_folder(s3_url, tmp_path / "out", digest_path(other))
    assert file_digests(out) == file_digests(other)


@pytest.mark.parametrize("source", ["manifest", "foreign"])
def test_bytes_that_went_bad_on_the_disk_are_fetched_again(
    s3: S3Server, s3_url: str, pushed: str, folder: Path, tmp_path: Path, source: str
) -> None:
    url = pushed if source == "manifest" else _put(s3, s3_url, folder)
    aside = _kill_fetch(s3, url, tmp_path / "out", digest_path(folder), 1)
    for path in (aside / "files").glob("*.bin"):
        path.write_bytes(bytes(SMALL_BYTES))
    out = fetch_folder(url, tmp_path / "out", digest_path(folder))
    assert file_digests(out) == file_digests(folder)


def test_a_killed_push_is_not_taken_for_whole_and_goes_on_from_what_it_had(
    s3: S3Server, s3_url: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = s3.client()
    large = _place(s3_url, "model.safetensors")

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
    assert f"has no {MANIFEST}" in _refused(fetch_folder, s3_url, tmp_path / "out")
    with BadLine(s3.url) as line:
        monkeypatch.setenv("AWS_ENDPOINT_URL", line.url)
        push_folder(folder, s3_url)
    assert line.sent < _size(folder) - SMALL_FILES // 2 * SMALL_BYTES
    assert not begun()
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    assert file_digests(fetch_folder(s3_url, tmp_path / "out")) == file_digests(folder)
