"""The webhook's receiver: who may speak to it, and what it does about an alias set around it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from msm.errors import UserError
from msm.registry.reviews import Registry, open_registry
from msm.registry.webhooks import ensure_webhook
from msm.review.around import undo_around
from msm.review.chain import open_chain
from msm.review.delivery import (
    DELIVERY,
    MOST_SECONDS,
    SIGNATURE,
    TIMESTAMP,
    AliasEvent,
    Deliveries,
    RefusedError,
)
from msm.review.entry import Action
from msm.review.standing import Signers
from msm.review.webhook import Guard, Receiver
from tests.commands import MSM
from tests.mlflow_server import MlflowServer
from tests.review_world import promoted
from tests.test_review_log import make_model, version

SECRET = "a secret of some length"
NOW = 1_800_000_000
ALLOW = {"MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http", "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true"}


def delivery(
    secret: str = SECRET, at: int = NOW, **content: object
) -> tuple[dict[str, str], bytes]:
    """Headers and body as MLflow's own code makes them."""
    from mlflow.webhooks.delivery import _generate_hmac_signature

    event = {
        "entity": "model_version_alias",
        "action": "created",
        "data": {"name": "m", "alias": "champion", "version": "1"},
        **content,
    }
    body = json.dumps(event)
    identifier = str(uuid.uuid4())
    signature = _generate_hmac_signature(secret, identifier, str(at), body)
    return {DELIVERY: identifier, TIMESTAMP: str(at), SIGNATURE: signature}, body.encode()


def test_a_delivery_of_mlflow_is_believed_once() -> None:
    deliveries = Deliveries(SECRET)
    headers, body = delivery()
    assert deliveries.read(headers, body, NOW + 5) == AliasEvent("m", "champion")
    # Not set down as done yet: a retry after a fault is acted on.
    assert deliveries.read(headers, body, NOW + 6) == AliasEvent("m", "champion")
    deliveries.done(headers, NOW + 6)
    assert deliveries.read(headers, body, NOW + 7) is None
    other = delivery(entity="registered_model")
    assert deliveries.read(*other, NOW) is None


@pytest.mark.parametrize("late", [-MOST_SECONDS - 1, MOST_SECONDS + 1])
def test_an_old_delivery_is_refused(late: int) -> None:
    with pytest.raises(RefusedError) as caught:
        Deliveries(SECRET).read(*delivery(), NOW + late)
    assert caught.value.status == 400


def _other_secret() -> tuple[dict[str, str], bytes]:
    return delivery("another secret of some length")


def _other_body() -> tuple[dict[str, str], bytes]:
    headers, body = delivery()
    return headers, body.replace(b"champion", b"champeen")


def _other_time() -> tuple[dict[str, str], bytes]:
    headers, body = delivery(at=NOW - 1000)
    return {**headers, TIMESTAMP: str(NOW)}, body


def _other_id() -> tuple[dict[str, str], bytes]:
    headers, body = delivery()
    return {**headers, DELIVERY: str(uuid.uuid4())}, body


def _unsigned() -> tuple[dict[str, str], bytes]:
    headers, body = delivery()
    return {name: value for name, value in headers.items() if name != SIGNATURE}, body


@pytest.mark.parametrize("made", [_other_secret, _other_body, _other_time, _other_id, _unsigned])
def test_what_is_not_signed_with_the_secret_is_refused(
    made: Callable[[], tuple[dict[str, str], bytes]],
) -> None:
    with pytest.raises(RefusedError) as caught:
        Deliveries(SECRET).read(*made(), NOW)
    assert caught.value.status == 401


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ALLOW.items():
            patch.setenv(name, value)
        started = MlflowServer(tmp_path_factory.mktemp("server"))
        started.start()
        yield started
        started.stop()


@pytest.fixture
def registry(server: MlflowServer) -> Iterator[Registry]:
    with open_registry(server.uri) as opened:
        yield opened


def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)


def actions(registry: Registry, model: str) -> list[Action]:
    return [entry.act.action for entry in open_chain(registry, model).entries]


def test_an_alias_set_around_the_gates_is_put_back_by_mlflows_own_webhook(
    server: MlflowServer, registry: Registry, tmp_path: Path
) -> None:
    """`msm webhook serve`, as a process, and deliveries of a real MLflow server."""
    model = make_model(registry, "watched")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": server.uri, "MSM_WEBHOOK_SECRET": SECRET}
    command = [MSM, "webhook", "serve", "--port", str(port), "--sweep", "3600"]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE)
    try:
        until(lambda: _answers(port))
        made = ensure_webhook(registry, f"http://127.0.0.1:{port}/", SECRET)
        assert ensure_webhook(registry, f"http://127.0.0.1:{port}/", SECRET) == made
        registry.set_alias(model, "challenger", "3")  # nobody's business here
        registry.set_alias(model, "champion", "2")
        until(lambda: "champion" not in registry.aliases(model))
        assert actions(registry, model) == [Action.REFUSED]
        promoted(registry, version(registry, model, 1))
        registry.set_alias(model, "champion", "3")
        until(lambda: registry.aliases(model).get("champion") == "1")
        registry.remove_alias(model, "champion")
        until(lambda: registry.aliases(model).get("champion") == "1")
        assert actions(registry, model) == [
            Action.REFUSED, Action.PROMOTE, Action.REFUSED, Action.RESTORED,
        ]  # fmt: skip
        assert registry.aliases(model)["challenger"] == "3"
    finally:
        process.send_signal(signal.SIGTERM)  # a shell lets what it starts behind it ignore SIGINT
        process.wait(timeout=30)


def _answers(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False


@pytest.fixture
def receiver(server: MlflowServer) -> Iterator[Receiver]:
    guard = Guard(server.uri, frozenset({"champion"}), Signers())
    made = Receiver(guard, SECRET, "127.0.0.1", 0, tell=lambda line: None)
    thread = threading.Thread(target=made.serve, args=(3600.0,), daemon=True)
    thread.start()
    yield made
    made.stop()


def post(receiver: Receiver, headers: dict[str, str], body: bytes) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=60)
    connection.request("POST", "/", body, headers)
    return connection.getresponse().status


def test_the_receiver_answers_strangers_with_401_and_does_nothing(
    receiver: Receiver, registry: Registry
) -> None:
    model = make_model(registry, "strange")
    registry.set_alias(model, "champion", "2")
    data = {"name": model, "alias": "champion", "version": "2"}
    now = int(time.time())
    assert post(receiver, *delivery("x" * 20, now, data=data)) == 401
    assert post(receiver, *delivery(SECRET, now - 4000, data=data)) == 400
    assert post(receiver, {"Content-Length": str(1 << 30)}, b"") == 413
    assert registry.aliases(model) == {"champion": "2"}
    assert post(receiver, *delivery(SECRET, now, data=data)) == 200
    assert registry.aliases(model) == {}


def test_a_broken_log_moves_nothing(receiver: Receiver, registry: Registry) -> None:
    model = make_model(registry, "broken")
    promoted(registry, version(registry, model, 1))
    registry.tag_model(model, "msm.review.head", "9:none")
    registry.set_alias(model, "champion", "3")
    data = {"name": model, "alias": "champion", "version": "3"}
    assert post(receiver, *delivery(SECRET, int(time.time()), data=data)) == 503
    assert registry.aliases(model) == {"champion": "3"}


def test_what_no_delivery_told_of_is_found_by_looking(
    server: MlflowServer, registry: Registry
) -> None:
    model = make_model(registry, "looked-at")
    promoted(registry, version(registry, model, 1))
    registry.set_alias(model, "champion", "3")
    lines: list[str] = []
    guard = Guard(server.uri, frozenset(), Signers())
    guard.sweep(lines.append)
    assert registry.aliases(model) == {"champion": "1"}
    assert any(model in line for line in lines)


def test_a_promotion_under_way_is_left_alone(registry: Registry) -> None:
    """Its entry stands in the log before the alias is moved."""
    model = make_model(registry, "under-way")
    promoted(registry, version(registry, model, 1))
    registry.remove_alias(model, "champion")
    timer = threading.Timer(0.5, registry.set_alias, (model, "champion", "1"))
    timer.start()
    assert undo_around(registry, model, "champion", Signers(), patience=3.0) is None
    timer.join()
    assert actions(registry, model) == [Action.PROMOTE]


def test_a_webhook_takes_a_server_a_good_address_and_a_long_secret(
    registry: Registry, tmp_path: Path
) -> None:
    from msm.registry.database import make_database

    with pytest.raises(UserError, match="refuses the address"):
        ensure_webhook(registry, "ftp://127.0.0.1/", SECRET)
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    make_database(uri)
    with open_registry(uri) as alone, pytest.raises(UserError, match="server"):
        ensure_webhook(alone, "https://example.org/", SECRET)
    with pytest.raises(UserError, match="MSM_WEBHOOK_SECRET"):
        Receiver(Guard(uri, frozenset(), Signers()), "short", "127.0.0.1", 0)
