"""Folders to and from S3, on a real server: whole, verified, resumed, and refused in one line."""

from __future__ import annotations

import hashlib
import socket
import threading
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from msm.identity import digest_path, file_digests
from msm.storage.fetch import fetch_folder
from msm.storage.manifest import MANIFEST, FileEntry, Manifest
from msm.storage.push import push_folder
from tests.bad_line import BadLine
from tests.s3_server import SECRET, S3Server
from tests.sent_folders import MEGABYTE, left, place, put, refused, size


def test_a_folder_comes_back_as_it_was(pushed: str, folder: Path, tmp_path: Path) -> None:
    digest = digest_path(folder)
    for pin in ("", digest, digest[:12]):
        out = tmp_path / f"fetched{len(pin)}" / "model"
        assert fetch_folder(f"{pushed}/", out, pin) == out
        assert file_digests(out) == file_digests(folder)
        assert (out / "record.json").read_bytes() == (folder / "record.json").read_bytes()
        assert left(out) == ["model"]


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
    assert "holds another folder already" in refused(push_folder, other, pushed)
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
    put(s3, s3_url, folder)
    s3.client().put_object(**place(s3_url, "record.json"), Body=b"not covered")
    s3.client().put_object(**place(s3_url, "marker/"), Body=b"")
    out = tmp_path / "out"
    assert f"has no {MANIFEST}" in refused(fetch_folder, s3_url, out)
    wrong = "0" * 64
    message = refused(fetch_folder, s3_url, out, wrong)
    assert digest_path(folder) in message
    assert wrong in message
    assert not left(out)
    fetch_folder(s3_url, out, digest_path(folder)[:12])
    assert file_digests(out) == file_digests(folder)
    assert not (out / "record.json").exists()


@pytest.mark.parametrize("digest", ["0" * 11, "0" * 65, "main", "A" * 64])
def test_too_little_of_a_digest_pins_nothing(tmp_path: Path, digest: str) -> None:
    assert "pinned by its content digest" in refused(
        fetch_folder, "s3://bucket/model", tmp_path / "out", digest
    )


def test_a_manifest_of_another_content_is_refused_before_a_file_is_fetched(
    s3: S3Server, pushed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BadLine(s3.url) as line:
        monkeypatch.setenv("AWS_ENDPOINT_URL", line.url)
        message = refused(fetch_folder, pushed, tmp_path / "out", "0" * 64)
    assert "is pinned" in message
    assert line.received < MEGABYTE
    assert not left(tmp_path / "out")


def test_changed_bytes_under_the_same_name_are_refused_by_name(
    s3: S3Server, s3_url: str, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    push_folder(folder, s3_url)
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[23_000_000] ^= 1
    at = place(s3_url, "model.safetensors")
    s3.client().put_object(**at, Body=bytes(content))
    for pin in ("", digest_path(folder)):
        message = refused(fetch_folder, s3_url, out, pin)
        assert "the bytes of model.safetensors are not those" in message
        assert not left(out)
    s3.client().put_object(**at, Body=bytes(content[:-1]))
    assert "35999999 bytes, but 36000000" in refused(fetch_folder, s3_url, out)
    s3.client().delete_object(**at)
    assert "lacks model.safetensors" in refused(fetch_folder, s3_url, out)
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
    s3.client().put_object(**place(s3_url, MANIFEST), Body=text.encode())
    message = refused(fetch_folder, s3_url, tmp_path / "out")
    assert f"{MANIFEST} is malformed" in message


@pytest.mark.parametrize("name", ["../outside", "/outside", "a//b", "a/./b", "config.json/below"])
def test_a_name_that_would_lie_outside_the_folder(
    s3: S3Server, s3_url: str, tmp_path: Path, name: str
) -> None:
    entry = FileEntry(2, hashlib.sha256(b"{}").hexdigest())
    manifest = Manifest({"config.json": entry, name: entry})
    s3.client().put_object(**place(s3_url, MANIFEST), Body=manifest.to_json().encode())
    message = refused(fetch_folder, s3_url, tmp_path / "out")
    assert "no folder can hold safely" in message
    assert not (tmp_path / "outside").exists()


def test_a_wrong_secret(
    pushed: str, s3_url: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret-5512")
    out = tmp_path / "out"
    for message in (refused(fetch_folder, pushed, out), refused(push_folder, folder, s3_url)):
        assert "refuses access (SignatureDoesNotMatch)" in message
        assert "5512" not in message
    assert not out.exists()


def test_no_credentials(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    message = refused(fetch_folder, "s3://bucket/model", tmp_path / "out")
    assert "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in message


def test_no_such_bucket_and_nothing_there(s3_url: str, folder: Path, tmp_path: Path) -> None:
    none = "s3://no-such-bucket-here/model"
    assert "there is no such bucket" in refused(fetch_folder, none, tmp_path / "out")
    assert "there is no such bucket" in refused(push_folder, folder, none)
    message = refused(fetch_folder, s3_url, tmp_path / "out")
    assert f"there is nothing below {s3_url}" in message


def test_an_endpoint_out_of_reach(
    s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://user:{SECRET}@127.0.0.1:{port}")
        message = refused(fetch_folder, "s3://bucket/model", tmp_path / "out")
    assert f"http://127.0.0.1:{port} cannot be reached" in message


def test_an_endpoint_that_is_no_s3(
    s3: S3Server, httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_request("/bucket").respond_with_data("<html>Welcome", 200)
    monkeypatch.setenv("AWS_ENDPOINT_URL", httpserver.url_for(""))
    message = refused(fetch_folder, "s3://bucket/model", tmp_path / "out")
    assert "check AWS_ENDPOINT_URL" in message
    monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost")
    message = refused(fetch_folder, "s3://bucket/model", tmp_path / "out")
    assert "AWS_ENDPOINT_URL is not a URL" in message


@pytest.mark.parametrize(
    "url", ["bucket/model", "s3://bucket", "s3://key:secret@bucket/model", "s3://bucket/a/../b"]
)
def test_an_address_that_is_none_is_not_repeated(url: str, tmp_path: Path) -> None:
    message = refused(fetch_folder, url, tmp_path / "out")
    assert "written s3://bucket/prefix" in message
    assert "secret" not in message


def test_a_folder_that_cannot_be_pushed(s3_url: str, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    assert "is no folder" in refused(push_folder, empty, s3_url)
    empty.mkdir()
    assert "holds no file" in refused(push_folder, empty, s3_url)
    (empty / MANIFEST).touch()
    assert "which a push writes" in refused(push_folder, empty, s3_url)


def test_a_folder_with_something_else_is_left_alone(
    s3: S3Server, pushed: str, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").write_text("mine")
    assert "something else" in refused(fetch_folder, pushed, out, digest_path(folder))
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
    assert line.received < 1.5 * size(folder)
