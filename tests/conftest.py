"""Shared by all tests: a student of random weights, and a small recipe."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.author_server import AuthorServer

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(autouse=True)
def _own_tracking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes runs into the checkout."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")


@pytest.fixture(scope="session")
def tiny_student() -> Path:
    """The folder of a randomly initialised model of some twenty thousand parameters."""
    from msm.recipe import Source, Student
    from msm.training.student import materialise_student

    return materialise_student(Student(source=Source.RANDOM, hidden=32, layers=2))


@pytest.fixture
def author(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AuthorServer]:
    """A server that plans and writes, listening, with its key in the environment."""
    monkeypatch.setenv("LOCAL_API_KEY", "right")
    folder = tmp_path / "author"
    folder.mkdir()
    server = AuthorServer(folder)
    server.start()
    yield server
    server.stop()
