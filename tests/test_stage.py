"""Running a stage: whole or absent, resumed, never twice at once, never over another identity."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from msm.errors import UserError
from msm.execution import Execution
from msm.identity import digest_file
from msm.parts import StageConfig
from msm.record import Outcome, read_record
from msm.stage import StageDefinition, run_stage


class CopyConfig(StageConfig):
    """A stage that copies its input so many times."""

    times: int = 1


class Body:
    """A stage body that counts its calls and can be made to fail halfway."""

    def __init__(self) -> None:
        self.calls = 0
        self.fail = False

    def __call__(
        self, config: CopyConfig, inputs: Mapping[str, Path], out: Path, execution: Execution
    ) -> Outcome:
        self.calls += 1
        half = out / "half"
        if not half.exists():
            half.write_text("first half")
            if self.fail:
                raise RuntimeError("cut")
        (out / "copy").write_text(inputs["text"].read_text() * config.times)
        return Outcome(rows_out=config.times)


@pytest.fixture
def body() -> Body:
    return Body()


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text"
    path.write_text("hello ")
    return path


def _run(body: Body, text: Path, out: Path, times: int = 1, replace: bool = False):
    definition = StageDefinition("copy", 1, lambda: body)
    return run_stage(definition, CopyConfig(times=times), {"text": text}, out, Execution(), replace)


def test_the_record_describes_every_file(body: Body, text: Path, tmp_path: Path) -> None:
    record, worked = _run(body, text, tmp_path / "o" / "out", times=2)
    assert worked
    read = read_record(tmp_path / "o" / "out")
    assert read == record
    assert record.files["copy"].sha256 == digest_file(tmp_path / "o" / "out" / "copy")
    assert record.inputs["text"].digest == digest_file(text)
    assert record.config == {"times": 2}
    assert record.outcome.rows_out == 2


def test_the_same_identity_returns_at_once(body: Body, text: Path, tmp_path: Path) -> None:
    first, _ = _run(body, text, tmp_path / "out")
    second, worked = _run(body, text, tmp_path / "out")
    assert not worked
    assert body.calls == 1
    assert second == first


def test_identity_ignores_where_things_lie_and_how_they_run(
    body: Body, text: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text(text.read_text())
    first, _ = _run(body, text, tmp_path / "out")
    definition = StageDefinition("copy", 1, lambda: body)
    second, _ = run_stage(
        definition, CopyConfig(), {"text": elsewhere}, tmp_path / "out2", Execution(threads=2)
    )
    assert second.identity == first.identity
    assert _run(body, text, tmp_path / "out3", times=2)[0].identity != first.identity


def test_a_stage_cut_halfway_leaves_nothing_and_goes_on(
    body: Body, text: Path, tmp_path: Path
) -> None:
    body.fail = True
    with pytest.raises(RuntimeError):
        _run(body, text, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    record, _ = _run(body, text, tmp_path / "out")  # finds its first half, so it does not fail
    assert set(record.files) == {"half", "copy"}
    assert not list(tmp_path.glob(".out.partial-*"))


def test_another_identity_is_refused_and_replaced_on_demand(
    body: Body, text: Path, tmp_path: Path
) -> None:
    first, _ = _run(body, text, tmp_path / "out")
    with pytest.raises(UserError, match="--replace"):
        _run(body, text, tmp_path / "out", times=2)
    assert read_record(tmp_path / "out") == first
    second, worked = _run(body, text, tmp_path / "out", times=2, replace=True)
    assert worked
    assert read_record(tmp_path / "out") == second
    assert (tmp_path / "out" / "copy").read_text() == "hello hello "


def test_a_folder_of_somebody_else_is_not_overwritten(
    body: Body, text: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match="files without a record"):
        _run(body, text, tmp_path / "out")
    assert (tmp_path / "out" / "thesis.txt").exists()


def test_a_second_process_is_refused(body: Body, text: Path, tmp_path: Path) -> None:
    with (tmp_path / ".out.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another process is at work"):
            _run(body, text, tmp_path / "out")


def test_an_input_changed_behind_its_record_is_named(
    body: Body, text: Path, tmp_path: Path
) -> None:
    _run(body, text, tmp_path / "first")
    (tmp_path / "first" / "copy").write_text("tampered")
    definition = StageDefinition("count", 1, lambda: body)
    with pytest.raises(UserError, match="changed: copy"):
        run_stage(
            definition, CopyConfig(), {"text": tmp_path / "first"}, tmp_path / "x", Execution()
        )


def test_a_missing_input_says_what_to_do(body: Body, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="run the stage that makes it first"):
        _run(body, tmp_path / "nothing", tmp_path / "out")


def test_a_place_that_cannot_be_written_is_named(body: Body, text: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="choose another --workspace"):
        _run(body, text, text / "out")  # below a file
    assert body.calls == 0


def test_a_broken_record_is_named(body: Body, text: Path, tmp_path: Path) -> None:
    _run(body, text, tmp_path / "out")
    path = tmp_path / "out" / "record.json"
    path.write_text("{")
    with pytest.raises(UserError, match=r"record\.json cannot be read"):
        _run(body, text, tmp_path / "out")
    path.write_text(json.dumps({"inputs": {}, "files": {}, "outcome": {}}))
    with pytest.raises(UserError, match="another form"):
        _run(body, text, tmp_path / "out")
