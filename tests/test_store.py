"""The store: outputs by identity, whole or not at all, compared with their record when taken."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from msm.errors import UserError
from msm.execution import Execution
from msm.parts import StageConfig
from msm.record import Outcome, Record, read_record
from msm.stage import StageDefinition, run_stage
from msm.storage.fetch import fetch_folder
from tests.s3_server import BUCKET, S3Server


class WriteConfig(StageConfig):
    """A stage that writes a text so often."""

    times: int = 1


class Body:
    """A stage body that counts its calls; each call's bytes are its own, as a model's are."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(
        self, config: WriteConfig, inputs: Mapping[str, Path], out: Path, execution: Execution
    ) -> Outcome:
        self.calls += 1
        (out / "part").mkdir()
        (out / "part" / "text").write_text(f"call {self.calls}" * config.times)
        (out / "other").write_text("the same")
        return Outcome(rows_out=config.times)


@pytest.fixture
def body() -> Body:
    return Body()


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store of either kind."""
    if request.param == "folder":
        return str(tmp_path / "store")
    return str(request.getfixturevalue("s3_url"))


def _run(body: Body, out: Path, store: str = "", stage: str = "write") -> tuple[Record, bool]:
    definition = StageDefinition(stage, 1, lambda: body)
    return run_stage(definition, WriteConfig(), {}, out, Execution(store=store))


def _remove(request: pytest.FixtureRequest, store: str, name: str) -> None:
    """Take one object out of a store."""
    if store.startswith("s3://"):
        key = f"{store.removeprefix(f's3://{BUCKET}/')}/{name}"
        _server(request).client().delete_object(Bucket=BUCKET, Key=key)
    else:
        (Path(store) / name).unlink()


def _overwrite(request: pytest.FixtureRequest, store: str, name: str, content: bytes) -> None:
    if store.startswith("s3://"):
        key = f"{store.removeprefix(f's3://{BUCKET}/')}/{name}"
        _server(request).client().put_object(Bucket=BUCKET, Key=key, Body=content)
    else:
        (Path(store) / name).write_bytes(content)


def _server(request: pytest.FixtureRequest) -> S3Server:
    server = request.getfixturevalue("s3")
    assert isinstance(server, S3Server)
    return server


def test_an_output_made_elsewhere_is_taken(body: Body, tmp_path: Path, store: str) -> None:
    made, worked = _run(body, tmp_path / "a" / "out", store)
    assert worked
    taken, worked = _run(body, tmp_path / "b" / "out", store)
    assert (worked, body.calls) == (False, 1)
    assert taken == made == read_record(tmp_path / "b" / "out")
    assert (tmp_path / "b" / "out" / "part" / "text").read_text() == "call 1"
    assert not list((tmp_path / "b").glob(".out.taken*"))
    _, worked = _run(body, tmp_path / "b" / "out", store)
    assert (worked, body.calls) == (False, 1)


def test_without_its_record_an_output_is_not_there(
    body: Body, tmp_path: Path, store: str, request: pytest.FixtureRequest
) -> None:
    made, _ = _run(body, tmp_path / "a" / "out", store)
    _remove(request, store, f"write/{made.identity}/record.json")  # as if cut off before the end
    again, worked = _run(body, tmp_path / "b" / "out", store)
    assert (worked, body.calls) == (True, 2)
    taken, worked = _run(body, tmp_path / "c" / "out", store)  # what was made again is whole
    assert (worked, taken.digest) == (False, again.digest)
    assert (tmp_path / "c" / "out" / "part" / "text").read_text() == "call 2"


def test_spoilt_bytes_are_refused_by_name(
    body: Body, tmp_path: Path, store: str, request: pytest.FixtureRequest
) -> None:
    made, _ = _run(body, tmp_path / "a" / "out", store)
    name = f"write/{made.identity}/{made.digest}/part/text"
    _overwrite(request, store, name, b"call 7")  # as many bytes as before
    with pytest.raises(UserError, match=rf"{made.identity}.*part/text.*again"):
        _run(body, tmp_path / "b" / "out", store)
    assert not (tmp_path / "b" / "out").exists()
    assert body.calls == 1


def test_a_missing_file_is_refused_by_name(
    body: Body, tmp_path: Path, store: str, request: pytest.FixtureRequest
) -> None:
    made, _ = _run(body, tmp_path / "a" / "out", store)
    _remove(request, store, f"write/{made.identity}/{made.digest}/other")
    with pytest.raises(UserError, match=r"other"):
        _run(body, tmp_path / "b" / "out", store)


@pytest.mark.parametrize("spoil", ["identity", "digest", "name", "text"])
def test_a_record_that_is_not_the_outputs_is_refused(
    body: Body, tmp_path: Path, store: str, request: pytest.FixtureRequest, spoil: str
) -> None:
    made, _ = _run(body, tmp_path / "a" / "out", store)
    record = json.loads(made.to_json())
    if spoil == "name":
        record["files"]["../outside"] = record["files"].pop("other")
    elif spoil != "text":
        record[spoil] = "0" * 64
    text = json.dumps(record)[: 40 if spoil == "text" else None]
    _overwrite(request, store, f"write/{made.identity}/record.json", text.encode())
    with pytest.raises(UserError, match=rf"{made.identity}/record\.json"):
        _run(body, tmp_path / "b" / "out", store)
    assert not (tmp_path / "b" / "out").exists()


def test_an_output_made_without_a_store_is_pushed_later(
    body: Body, tmp_path: Path, store: str
) -> None:
    _run(body, tmp_path / "a" / "out")
    _, worked = _run(body, tmp_path / "a" / "out", store)
    assert not worked
    _, worked = _run(body, tmp_path / "b" / "out", store)
    assert (worked, body.calls) == (False, 1)


def test_what_was_changed_since_is_not_pushed(body: Body, tmp_path: Path, store: str) -> None:
    made, _ = _run(body, tmp_path / "a" / "out")
    (tmp_path / "a" / "out" / "other").write_text("not this")
    with pytest.raises(UserError, match="no longer matches its record"):
        _run(body, tmp_path / "a" / "out", store)
    again, worked = _run(body, tmp_path / "b" / "out", store)
    assert worked
    assert again.identity == made.identity


def test_two_makers_of_one_output_do_not_mix_their_files(
    body: Body, tmp_path: Path, store: str
) -> None:
    for place in ("a", "b"):  # both were at work before either had ended
        _run(body, tmp_path / place / "out")
    for place in ("a", "b"):
        _run(body, tmp_path / place / "out", store)
    taken, _ = _run(body, tmp_path / "c" / "out", store)
    assert (taken.digest, body.calls) == (_digest(tmp_path / "a" / "out"), 2)
    assert (tmp_path / "c" / "out" / "part" / "text").read_text() == "call 1"


def _digest(out: Path) -> str:
    record = read_record(out)
    assert record is not None
    return record.digest


def test_the_store_comes_from_the_environment(
    body: Body, tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSM_STORE", store)
    _run(body, tmp_path / "a" / "out")
    _, worked = _run(body, tmp_path / "b" / "out")
    assert (worked, body.calls) == (False, 1)


def test_the_store_is_in_no_identity_and_in_no_record(body: Body, tmp_path: Path) -> None:
    with_store, _ = _run(body, tmp_path / "a" / "out", str(tmp_path / "store"))
    without, _ = _run(body, tmp_path / "b" / "out")
    assert with_store.identity == without.identity
    assert str(tmp_path) not in with_store.to_json()


def test_a_registration_is_kept_but_not_taken_from_elsewhere(
    body: Body, tmp_path: Path, store: str
) -> None:
    for place in ("a", "b"):
        _, worked = _run(body, tmp_path / place / "out", store, stage="register")
        assert worked


def test_the_files_of_an_output_can_be_fetched_by_their_content(
    body: Body, tmp_path: Path, s3_url: str
) -> None:
    made, _ = _run(body, tmp_path / "a" / "out", s3_url)
    url = f"{s3_url}/write/{made.identity}/{made.digest}"
    assert (fetch_folder(url, tmp_path / "b", made.digest) / "other").read_text() == "the same"


def test_a_take_that_was_cut_off_is_taken_up(body: Body, tmp_path: Path, store: str) -> None:
    made, _ = _run(body, tmp_path / "a" / "out", store)
    left = tmp_path / "b" / f".out.taken-{made.identity[:12]}" / "files"
    shutil.copytree(tmp_path / "a" / "out", left)
    (left / "other").write_text("half")  # and no longer what it was
    taken, worked = _run(body, tmp_path / "b" / "out", store)
    assert (worked, taken.digest) == (False, made.digest)
    assert (tmp_path / "b" / "out" / "other").read_text() == "the same"


def test_a_store_that_cannot_be_written_keeps_the_output(body: Body, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"cannot be written.*the output is kept"):
        _run(body, tmp_path / "out", str(tmp_path / "file"))
    assert read_record(tmp_path / "out") is not None


def test_a_malformed_address_is_refused_before_work(body: Body, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="s3://bucket/prefix"):
        _run(body, tmp_path / "out", "s3://x")
    assert body.calls == 0
