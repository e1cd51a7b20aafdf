"""Registering where MLflow is down, refuses, is spoilt, or is nobody's own."""

from __future__ import annotations

import re
import socket
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from msm.errors import UserError
from msm.registry import server
from tests.mlflow_server import MlflowServer
from tests.registry_world import Killed, World, client, dies_after, make_world, register


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "refuses the credentials"),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "it answers with HTTP 404"),
    ],
)
def test_a_server_that_refuses_is_told_of(answer: str, said: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        address = f"127.0.0.1:{held.getsockname()[1]}"
        thread = threading.Thread(target=_answer_once, args=(held, answer), daemon=True)
        thread.start()
        with pytest.raises(UserError) as told:
            server.check_reachable(f"http://me:hunter2@{address}")
    assert said in str(told.value)
    assert address in str(told.value)
    assert "hunter2" not in str(told.value)


def _answer_once(held: socket.socket, answer: str) -> None:
    connection, _ = held.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(answer.encode())


@pytest.mark.parametrize("status", [401, 403])
def test_artifacts_that_are_refused_are_told_of_in_one_line(
    world: World,
    tmp_path: Path,
    httpserver: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
) -> None:
    """A real server takes the runs; what stands before it takes no artifacts."""
    behind = MlflowServer(tmp_path, takes_artifacts=True)
    behind.start()

    def pass_on(request: Request) -> Response:
        if request.method == "PUT" and "/mlflow-artifacts/" in request.path:
            return Response(status=status)
        asked = urllib.request.Request(
            f"{behind.uri}{request.full_path}",
            data=request.get_data() or None,
            headers={"Content-Type": request.content_type or "application/json"},
            method=request.method,
        )
        try:
            with urllib.request.urlopen(asked) as answer:
                return Response(answer.read(), answer.status, content_type="application/json")
        except urllib.error.HTTPError as error:
            return Response(error.read(), error.code, content_type="application/json")

    httpserver.expect_request(re.compile(".*")).respond_with_handler(pass_on)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", httpserver.url_for("").rstrip("/"))
    try:
        with pytest.raises(UserError, match=rf"refuses to take artifacts \(HTTP {status}\)"):
            register(world, tmp_path / "out")
    finally:
        behind.stop()


@pytest.mark.timeout(120)  # MLflow's own retries go on for minutes
def test_a_server_that_is_down_is_told_of_at_once_and_without_the_password(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{held.getsockname()[1]}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:hunter2@{address}")
        with pytest.raises(UserError) as told:
            register(world, tmp_path / "out")
    assert f"MLflow at http://{address} cannot be reached: " in str(told.value)
    assert "Connection refused; start it, or unset MLFLOW_TRACKING_URI" in str(told.value)
    assert "hunter2" not in str(told.value)


def test_killed_while_the_store_is_made_it_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from msm.registry import database

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    with monkeypatch.context() as patch:
        patch.setattr(database, "SqlAlchemyStore", dies_after(_half_a_store))
        with pytest.raises(Killed):
            database.make_database(uri)
    assert not (tmp_path / "mlflow.db").exists()
    database.make_database(uri)
    assert [experiment.name for experiment in client(uri).search_experiments()] == ["Default"]
    assert not (tmp_path / ".mlflow.db.partial").exists()


def _half_a_store(uri: str, root: str) -> None:
    Path(uri.removeprefix("sqlite:///")).write_bytes(b"SQLite format 3")


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("/some/folder", "no longer supports"),
        ("postgresql://u:p@h/db", "postgresql+psycopg2://"),
        ("sqlite:////nowhere/at/all/mlflow.db", "no folder /nowhere/at/all"),
    ],
)
def test_a_store_that_cannot_work_is_refused(uri: str, said: str) -> None:
    with pytest.raises(UserError, match=said.replace("+", r"\+")):
        server.check_reachable(uri)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("my shopping list")
    with pytest.raises(UserError, match="no SQLite file"):
        server.check_reachable(f"sqlite:///{tmp_path}/mlflow.db")


def test_a_deleted_experiment_is_told_of(world: World, tracking_uri: str, tmp_path: Path) -> None:
    done = register(world, tmp_path / "out")
    client(tracking_uri).delete_experiment(done["experiment_id"])
    with pytest.raises(UserError, match=r"is deleted .* restore"):
        register(world, tmp_path / "out")


def test_without_a_variable_the_store_lies_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    monkeypatch.chdir(tmp_path)
    uri = server.tracking_uri()
    assert uri == f"sqlite:///{tmp_path}/mlflow.db"
    command = server.ui_command(uri, "127.0.0.1", 5001)
    assert command[:4] == [sys.executable, "-m", "mlflow", "ui"]
    assert command[command.index("--default-artifact-root") + 1] == f"file://{tmp_path}/mlartifacts"
    with pytest.raises(UserError, match="already serves its pages at https://mlflow"):
        server.ui_command("https://me:pw@mlflow.example", "127.0.0.1", 5001)
