"""The receiver of the registry's webhook: an alias that was set around the gates is put back.

A delivery only says where to look: what is done follows from the log and the registry alone. As
deliveries can be lost, every model is looked at as well, at the start and every so often.
"""

from __future__ import annotations

import ssl
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from msm.errors import UserError
from msm.registry.reviews import Registry, open_registry
from msm.review.around import undo_around
from msm.review.chain import open_chain
from msm.review.delivery import Deliveries, RefusedError
from msm.review.entry import Entry
from msm.review.standing import Signers

SECRET_VARIABLE = "MSM_WEBHOOK_SECRET"
SHORTEST_SECRET = 16
MOST_BYTES = 1 << 20
CLIENT_SECONDS = 10.0  # of silence within a request


@dataclass(frozen=True)
class Guard:
    """Which registry is watched, which aliases from the very first, and with which keys."""

    uri: str
    aliases: frozenset[str]
    signers: Signers

    def check(self, model: str, alias: str) -> Entry | None:
        """Look at one alias; returns the entry if it had to be put back.

        Raises:
            UserError: MLflow cannot be asked, or the log is broken.
        """
        with open_registry(self.uri) as registry:
            if not registry.has_model(model):
                return None
            return undo_around(registry, model, alias, self.signers, self.aliases)

    def sweep(self, tell: Callable[[str], None]) -> int:
        """Look at all aliases of all models; returns how many were put back. Faults are told."""
        count = 0
        with open_registry(self.uri) as registry:
            for model in registry.models():
                try:
                    count += self._sweep_model(registry, model, tell)
                except UserError as error:
                    tell(str(error))
        return count

    def _sweep_model(self, registry: Registry, model: str, tell: Callable[[str], None]) -> int:
        known = open_chain(registry, model, self.signers.trusted).managed()
        there = registry.aliases(model)
        count = 0
        for alias in sorted(known | (self.aliases & set(there))):
            entry = undo_around(registry, model, alias, self.signers, self.aliases)
            if entry is not None:
                tell(told(entry))
                count += 1
        return count


class Receiver:
    """The HTTP server; one delivery is acted on at a time."""

    def __init__(
        self,
        guard: Guard,
        secret: str,
        host: str,
        port: int,
        certificate: tuple[Path, Path] | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        """Listens at once; port 0 takes a free one.

        Raises:
            UserError: the secret is short, the port is taken, or the certificate cannot be used.
        """
        if len(secret) < SHORTEST_SECRET:
            raise UserError(
                f"set {SECRET_VARIABLE} to a secret of {SHORTEST_SECRET} characters or more, the "
                "same that the webhook was made with"
            )
        self.guard, self.tell = guard, tell or _tell
        self._deliveries = Deliveries(secret)
        self._acting = threading.Lock()
        try:
            self._server = ThreadingHTTPServer((host, port), _handler(self))
            if certificate is not None:
                context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                context.load_cert_chain(*certificate)
                self._server.socket = context.wrap_socket(
                    self._server.socket, server_side=True, do_handshake_on_connect=False
                )
        except OSError as error:
            raise UserError(f"cannot listen on {host}:{port}: {error.strerror or error}") from None
        self._server.daemon_threads = True

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def serve(self, sweep_seconds: float) -> None:
        """Answer until ``stop``; look at all models first, and again every so many seconds."""
        sweeping = threading.Thread(target=self._sweeps, args=(sweep_seconds,), daemon=True)
        sweeping.start()
        self._server.serve_forever(poll_interval=0.2)

    def stop(self) -> None:
        """End ``serve``, from another thread."""
        self._server.shutdown()
        self._server.server_close()

    def take(self, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        """Act on a delivery; returns HTTP status and a word."""
        with self._acting:
            now = int(time.time())
            try:
                event = self._deliveries.read(headers, body, now)
                if event is None:
                    return 200, "nothing to do"
                entry = self.guard.check(event.model, event.alias)
            except RefusedError as error:
                return error.status, error.reason
            except UserError as error:
                self.tell(str(error))
                return 503, "not now"  # MLflow tries again, and so does the sweep
            self._deliveries.done(headers, now)
        if entry is None:
            return 200, "as the log says"
        self.tell(told(entry))
        return 200, "put back"

    def _sweeps(self, seconds: float) -> None:
        while True:
            with self._acting:
                try:
                    self.guard.sweep(self.tell)
                except UserError as error:
                    self.tell(str(error))
            time.sleep(seconds)


def told(entry: Entry) -> str:
    """An entry in one line."""
    act = entry.act
    return f"{act.action.value}  {act.model}@{act.alias}  {act.reason}  (entry {entry.sequence})"


def _tell(line: str) -> None:
    print(f"msm: {line}", file=sys.stderr, flush=True)


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = CLIENT_SECONDS
        server_version = "msm"
        sys_version = ""

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdigit() or int(length) > MOST_BYTES:
                self._answer(413, "a delivery has a length, and a small one")
                return
            self._answer(*receiver.take(dict(self.headers), self.rfile.read(int(length))))

        def do_GET(self) -> None:
            self._answer(200 if self.path == "/health" else 404, "msm webhook")

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Say nothing of each request."""

        def _answer(self, status: int, word: str) -> None:
            content = f"{word}\n".encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler
