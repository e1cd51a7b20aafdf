"""The MLflow run that a pipeline's backend begins for a task, joined by what the task makes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from msm.bundle import bundle
from msm.component import Made, run_task
from msm.experiment import build_tasks
from msm.ledger import close_pipeline
from msm.recipe_file import load_recipe
from msm.registry.live import PARENT_VARIABLE
from msm.store import STORE_VARIABLE
from msm.task import Stage
from tests.mlflow_server import MlflowServer
from tests.registry_world import client


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    server = MlflowServer(tmp_path_factory.mktemp("mlflow"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def mlflow(server: MlflowServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    """MLflow's own client of the server that is in the environment."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    return client(server.uri)


@pytest.fixture
def text(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a pipeline of the tiny recipe hands to its tasks, on a store of its own."""
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "store"))
    return bundle(load_recipe(root / "recipes" / "tiny.yaml"))


def _plan(text: str, root: Path, tmp_path: Path) -> tuple[str, Made]:
    """Run the first plan of the recipe as its component does; returns its name and output."""
    tasks = build_tasks(load_recipe(root / "recipes" / "tiny.yaml"))
    name = next(task.name for task in tasks if task.stage is Stage.PLAN)
    given = tmp_path / "bundle"
    given.write_text(text, encoding="utf-8")
    return name, run_task(str(given), "plan", name, (), str(tmp_path / "out"))


def test_a_task_writes_what_it_made_into_the_run_that_was_begun_for_it(
    mlflow: Any, text: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = mlflow.create_run("0").info.run_id
    monkeypatch.setenv(PARENT_VARIABLE, run)
    name, made = _plan(text, root, tmp_path)
    joined = mlflow.get_run(run)
    assert joined.data.tags["msm.output"] == f"plan/{name}"
    assert joined.data.tags["msm.identity"] == made.metadata["identity"]
    assert joined.data.metrics["msm/rows_out"] == made.metadata["rows_out"] > 0
    assert joined.info.status == "RUNNING"  # it is the backend's to end


def test_without_such_a_run_nothing_is_logged(
    mlflow: Any, text: str, root: Path, tmp_path: Path
) -> None:
    before = len(mlflow.search_runs(["0"]))
    assert PARENT_VARIABLE not in os.environ
    _plan(text, root, tmp_path)
    assert len(mlflow.search_runs(["0"])) == before


def test_a_tracking_server_that_is_away_ends_no_task(
    text: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv(PARENT_VARIABLE, "f00d")
    name, made = _plan(text, root, tmp_path)
    assert (tmp_path / "out" / "record.json").is_file()
    assert made.metadata["display_name"] == f"plan/{name}"


def test_the_last_task_marks_the_run_of_the_whole_pipeline(
    mlflow: Any, text: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = mlflow.create_run("0").info.run_id
    last = mlflow.create_run("0", tags={"mlflow.parentRunId": whole}).info.run_id
    _plan(text, root, tmp_path)
    monkeypatch.setenv(PARENT_VARIABLE, last)
    ledger = close_pipeline(text, "FAILED", "the node went away")
    marked = mlflow.get_run(whole).data
    assert marked.tags["msm.state"] == "FAILED"
    assert marked.metrics["msm/done"] == ledger.figures()["done"] == 1
    assert marked.metrics["msm/tasks"] == len(ledger.entries) > 1
    assert "msm.state" not in mlflow.get_run(last).data.tags
