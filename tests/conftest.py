"""Shared by all tests: a student of random weights, and a small recipe."""

from __future__ import annotations

import os
import shutil
import signal
import uuid
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from msm.storage.push import push_folder
from tests.author_server import AuthorServer
from tests.chat_rules import author_and_judge
from tests.chat_server import ChatServer
from tests.s3_server import BUCKET, S3Server, start_s3
from tests.sent_folders import make_folder

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # What a shell starts behind it ignores SIGINT, and so would all that tests start and stop.
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent


ASKED_FOR = ("images", "vllm")  # by `make images-check` and `make vllm-check` alone


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is run when it is asked for, and take the files with slow tests first.

    Slow ones at the end would leave one of two processes without work.
    """
    left = [
        item
        for item in items
        for marker in ASKED_FOR
        if item.get_closest_marker(marker) and marker not in config.option.markexpr
    ]
    config.hook.pytest_deselected(items=left)
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    kept = [item for item in items if item not in left]
    items[:] = sorted(kept, key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(autouse=True)
def _own_tracking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes runs into the checkout."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.delenv("MSM_STORE", raising=False)


@pytest.fixture(scope="session")
def aside() -> Iterator[ProcessPoolExecutor]:
    """A process to compile pipelines in, which has loaded less and is called less deeply.

    At every setting of every step KFP has Python look up the modules of all callers, which takes
    seconds a pipeline among the thousands of modules that a test process has.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        yield pool


@pytest.fixture(scope="session")
def empty_tracking_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite store without content: migrations take seconds, a copy does not."""
    from msm.registry.database import make_database

    file = tmp_path_factory.mktemp("store") / "mlflow.db"
    make_database(f"sqlite:///{file}")
    return file


@pytest.fixture
def tracking_uri(
    empty_tracking_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """An empty MLflow store of this test's own, in the environment."""
    shutil.copy(empty_tracking_store, tmp_path / "mlflow.db")
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    return uri


@pytest.fixture(scope="session")
def tiny_student() -> Path:
    """The folder of a randomly initialised model of some twenty thousand parameters."""
    from msm.training.student import materialise_student
    from msm.weights import Source, Student

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


@pytest.fixture
def any_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key in the environment, for servers that ask for none."""
    monkeypatch.setenv("LOCAL_API_KEY", "none")


@pytest.fixture
def rule_server() -> Iterator[ChatServer]:
    """A server that writes and judges chats, by rule."""
    with ChatServer(author_and_judge) as running:
        yield running


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3 server, for the session."""
    server = start_s3(tmp_path_factory.mktemp("s3"))
    yield server
    server.stop()


@pytest.fixture
def s3(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The S3 server, with its address and key in the environment."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    return s3_server


@pytest.fixture
def s3_url(s3: S3Server) -> str:
    """An address in S3 below which nothing lies yet."""
    return f"s3://{BUCKET}/{uuid.uuid4()}"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to send to S3, which tests only read."""
    return make_folder(tmp_path_factory.mktemp("sent") / "model")


@pytest.fixture(scope="session")
def pushed_once(s3_server: S3Server, folder: Path) -> str:
    """The folder's address in S3; take ``pushed``, which has the key in the environment too."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3_server.environment.items():
            patch.setenv(name, value)
        push_folder(folder, f"s3://{BUCKET}/pushed")
    return f"s3://{BUCKET}/pushed"


@pytest.fixture
def pushed(s3: S3Server, pushed_once: str) -> str:
    """The folder's address in S3, which tests only read."""
    return pushed_once
