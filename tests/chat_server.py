"""A real HTTP server on loopback that speaks the chat completions of OpenAI and answers by rule."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Rule = Callable[[str, str, int], str]


class ChatServer:
    """Answers each request with ``rule(system, user, seed)``; use it as a context manager.

    After ``most`` answers it answers no more, as a server does that has gone down: every further
    request gets HTTP 503.
    """

    def __init__(self, rule: Rule, most: int | None = None) -> None:
        self.answered: list[tuple[str, str, int]] = []
        self._rule = rule
        self._most = most
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """What goes into a recipe's ``base_url``."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, question: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        messages = {message["role"]: message["content"] for message in question["messages"]}
        asked = (messages.get("system", ""), messages["user"], question.get("seed", 0))
        with self._lock:
            if self._most is not None and len(self.answered) >= self._most:
                return 503, {"error": {"message": "down"}}
            self.answered.append(asked)
        text = self._rule(*asked)
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": "stop",
        }
        usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
        return 200, {
            "id": "1",
            "object": "chat.completion",
            "created": 1,
            "model": "rule",
            "choices": [choice],
            "usage": usage,
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                status, body = server._answer(json.loads(self.rfile.read(length)))
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
                pass

        return Handler
