"""The local stand: one command up, one down; the same one repairs it, and it tells its state."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from msm.errors import UserError
from stack.__main__ import main
from stack.credentials import read_credentials
from stack.place import HOST, Place, Port, ServiceName, find_place, make_place
from stack.postgres import find_programs
from stack.processes import find
from stack.seaweedfs import STORE_BUCKET, client
from stack.service import State
from stack.stand import down, look, up
from tests.stands import free_block, needs_postgres, stand_folder, temporary_stand


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with temporary_stand() as place:
        yield place


def _states(place: Place) -> dict[ServiceName, State]:
    return {service.name: how for service, how in look(place.folder)}


def _first_processes(place: Place) -> dict[ServiceName, int]:
    """The process of each service that was started first; PostgreSQL's others come and go."""
    return {
        name: min(find(place, name), key=lambda process: process.create_time()).pid
        for name in ServiceName
    }


def _all_up() -> dict[ServiceName, State]:
    return dict.fromkeys(ServiceName, State.UP)


@pytest.mark.slow
@needs_postgres
def test_up_again_leaves_what_runs_alone(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    before = _first_processes(place)
    assert main(["--folder", str(place.folder), "up"]) == 0
    assert _first_processes(place) == before
    assert _states(place) == _all_up()
    shown = capsys.readouterr().out
    for port in (Port.MLFLOW, Port.S3, Port.POSTGRES):
        assert f"{HOST}:{place.port(port)}" in shown


@pytest.mark.slow
@needs_postgres
def test_secrets_are_seen_by_their_owner_alone(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    secrets = set(vars(read_credentials(place)).values())
    assert main(["--folder", str(place.folder), "up"]) == 0
    assert main(["--folder", str(place.folder), "status"]) == 0
    assert main(["--folder", str(place.folder), "environment"]) == 0
    shown = capsys.readouterr()
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        assert not any(secret in line for secret in secrets)
    assert not any(secret in shown.out + shown.err for secret in secrets)
    holding = [path for path in _files(place.folder) if _holds(path, secrets)]
    assert place.folder / "environment" in holding and len(holding) >= 4
    for path in holding:
        assert path.stat().st_mode & 0o077 == 0, path
        assert path.parent.name != "logs"


@pytest.mark.slow
@needs_postgres
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_up_repairs_what_was_killed_or_hangs_and_nothing_is_lost(
    place: Place, number: signal.Signals
) -> None:
    s3 = client(place, read_credentials(place))
    s3.put_object(Bucket=STORE_BUCKET, Key=f"kept-{number}", Body=b"bytes")
    hit = [name for name in ServiceName if number is signal.SIGKILL or name is ServiceName.S3]
    for name in hit:
        for process in find(place, name):
            process.send_signal(number)
    bad = State.DOWN if number is signal.SIGKILL else State.SILENT
    seen = _states(place)
    assert all(seen[name] is bad for name in hit)
    up(place.folder, say=lambda _: None)
    assert _states(place) == _all_up()
    assert s3.get_object(Bucket=STORE_BUCKET, Key=f"kept-{number}")["Body"].read() == b"bytes"


@pytest.mark.slow
@needs_postgres
def test_down_ends_everything_and_keeps_the_data(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    up(place.folder, say=lambda _: None)
    client(place, read_credentials(place)).put_object(Bucket=STORE_BUCKET, Key="k", Body=b"v")
    with pytest.raises(UserError, match="stack-down"):
        up(place.folder, free_block())
    down(place.folder)
    down(place.folder)
    assert not any(find(place, name) for name in ServiceName)
    assert main(["--folder", str(place.folder), "status"]) == 1
    assert capsys.readouterr().out.count(State.DOWN) >= len(ServiceName)

    up(place.folder, say=lambda _: None)
    kept = client(place, read_credentials(place)).get_object(Bucket=STORE_BUCKET, Key="k")
    assert kept["Body"].read() == b"v"


@needs_postgres
def test_a_taken_port_is_named_and_nothing_is_left_running(
    capsys: pytest.CaptureFixture[str],
) -> None:
    first = free_block()
    with stand_folder() as folder, socket.create_server((HOST, first + Port.POSTGRES)) as taken:
        assert main(["--folder", str(folder), "up", "--port", str(first)]) == 2
        told = capsys.readouterr().err
        assert str(taken.getsockname()[1]) in told and len(told.splitlines()) == 1
        assert not any(find(find_place(folder), name) for name in ServiceName)


@needs_postgres
def test_lost_secrets_are_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    with stand_folder() as folder:
        make_place(folder, free_block())
        (folder / "postgres" / "data").mkdir()
        assert main(["--folder", str(folder), "up"]) == 2
        assert "secrets.json is gone" in capsys.readouterr().err


@needs_postgres
@pytest.mark.skipif(os.geteuid() != 0, reason="PostgreSQL runs as another user for root alone")
def test_a_folder_that_postgresql_may_not_enter_is_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o700)
    assert main(["--folder", str(tmp_path / "stand"), "up", "--port", str(free_block())]) == 2
    told = capsys.readouterr().err
    assert "initdb" in told and "STACK=DIR" in told and len(told.splitlines()) == 1


def test_a_folder_with_other_things_in_it_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").write_text("kept")
    for command in (["up"], ["delete"]):
        main(["--folder", str(tmp_path), *command])
    assert "a folder of its own" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_without_postgresql_the_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="apt-get install postgresql"):
        find_programs([tmp_path])


def test_where_there_is_no_stand_it_is_said_how_to_start_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("status", "environment"):
        assert main(["--folder", str(tmp_path), command]) == 2
        assert "make stack" in capsys.readouterr().err
    assert main(["--folder", str(tmp_path), "down"]) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("port", ["80", "65535"])
def test_ports_that_cannot_be_had_are_refused(
    tmp_path: Path, port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--folder", str(tmp_path / "stand"), "up", "--port", port]) == 2
    assert port in capsys.readouterr().err
    assert not (tmp_path / "stand").exists()


def _files(folder: Path) -> list[Path]:
    """Every file of a stand but what the servers keep in forms of their own."""
    skip = (folder / "postgres" / "data", folder / "s3" / "data")
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(path.is_relative_to(data) for data in skip)
    ]


def _holds(path: Path, secrets: set[str]) -> bool:
    text = path.read_text(encoding="utf-8", errors="replace")
    return any(secret in text for secret in secrets)
