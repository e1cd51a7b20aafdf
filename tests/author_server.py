"""A real OpenAI-compatible server: an author and a judge by rule, and it misbehaves on demand.

    python -m tests.author_server FOLDER [PORT]

It runs in a process of its own. ``FOLDER`` holds how it behaves (read again for every request), its
port once it listens, and its log: a line for every answer, written before the answer is sent. What
it answers depends on the messages and the seed alone; whether it misbehaves, on the number of the
request.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from msm.llm.request import Request
from tests.author_rules import answer_by_rule

BEHAVIOUR, PORT, LOG = "behaviour.json", "port", "log.jsonl"
WAIT_SECONDS = 0.3


class Misdeed(StrEnum):
    """What the server can do instead of answering well."""

    RATE_LIMIT = "429"
    RATE_LIMIT_WITH_WAIT = "429 with Retry-After"
    ERROR = "500"
    HANG = "hangs"
    HALF_CLOSED = "closes halfway"
    BROKEN_JSON = "broken JSON"
    NO_OBJECT = "JSON, but no object"
    NO_CHOICES = "an error with status 200"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    WRONG_FORM = "not in the form"
    REFUSAL = "refuses"


# Whole answers, which a provider charges for, though they are of no use.
PAID = (Misdeed.TRUNCATED, Misdeed.EMPTY, Misdeed.WRONG_FORM, Misdeed.REFUSAL)


@dataclass(frozen=True)
class Behaviour:
    """``share`` of the requests meets a misdeed, all ``kinds`` in turn, in an order by ``seed``.

    ``always`` is done to every request; one that is sent to wait is answered after its wait, and
    not before. ``dies_after`` so many whole answers the process ends.
    ``key`` and ``model``, where given, are the only ones that are known. More than ``context``
    tokens are refused. ``latency`` in seconds.
    """

    share: float = 0.0
    kinds: Sequence[Misdeed] = tuple(Misdeed)
    seed: int = 0
    always: Misdeed | None = None
    dies_after: int = 0
    key: str = ""
    model: str = ""
    context: int = 0
    latency: float = 0.0


class AuthorServer:
    """The server's process, seen from a test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.behave(Behaviour())

    @property
    def url(self) -> str:
        """For ``execution.author.base_url``."""
        return f"http://127.0.0.1:{(self.folder / PORT).read_text()}/v1"

    def behave(self, behaviour: Behaviour) -> None:
        """Change what it does from the next request on."""
        fresh = self.folder / f".{BEHAVIOUR}"
        fresh.write_text(json.dumps(asdict(behaviour)))
        fresh.rename(self.folder / BEHAVIOUR)

    def start(self) -> None:
        """Start it, on the port that it had before, if any."""
        port = self.folder / PORT
        before = port.read_text() if port.exists() else "0"
        port.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.author_server", str(self.folder), before],
            cwd=Path(__file__).parent.parent,
        )
        until = time.monotonic() + 30
        while not port.exists():
            assert self._process.poll() is None, "the server ended"
            assert time.monotonic() < until, "the server does not listen"
            time.sleep(0.01)

    def stop(self) -> None:
        """Kill it, if it still runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def log(self) -> list[dict[str, Any]]:
        """What it has answered so far, in order."""
        path = self.folder / LOG
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def answers(self) -> int:
        """How many whole answers it has given so far; fast, for who waits for the next one."""
        path = self.folder / LOG
        return path.read_bytes().count(b'"paid": true') if path.exists() else 0

    def paid(self) -> Counter[str]:
        """How often each request was answered with a whole answer, by the request's digest."""
        return Counter(row["digest"] for row in self.log() if row["paid"])

    def misdeeds(self) -> Counter[str]:
        """How often it did what."""
        return Counter(row["misdeed"] for row in self.log() if row["misdeed"])


class _Server:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        before = (folder / LOG).read_text(encoding="utf-8").splitlines()
        self.number = len(before)
        self.paid = self.in_flight = 0
        self.sent_away: dict[str, float] = {}
        self.misdeeds = sum(1 for line in before if json.loads(line)["misdeed"])

    def note(self, row: Mapping[str, object]) -> None:
        os.write(self.log, (json.dumps(row) + "\n").encode())

    def misdeed(self, behaviour: Behaviour) -> Misdeed | None:
        """What to do to this request."""
        if behaviour.always is not None:
            return Misdeed(behaviour.always)
        if random.Random(f"{behaviour.seed}/{self.number}").random() >= behaviour.share:
            return None
        order = [Misdeed(kind) for kind in behaviour.kinds]
        random.Random(behaviour.seed).shuffle(order)
        self.misdeeds += 1
        return order[self.misdeeds % len(order)]

    def has_waited(self, digest: str) -> bool:
        """Whether a request was sent to wait, and comes after its wait."""
        since = self.sent_away.setdefault(digest, time.monotonic())
        return time.monotonic() - since >= WAIT_SECONDS

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = re.search(r"content-length: *(\d+)", head, re.IGNORECASE)
                body = json.loads(await reader.readexactly(int(length[1]) if length else 0))
                if not await self.answer(head, body, writer):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def answer(
        self, head: str, body: Mapping[str, Any], writer: asyncio.StreamWriter
    ) -> bool:
        """Answer one request; returns whether the connection stays open."""
        behaviour = Behaviour(**json.loads((self.folder / BEHAVIOUR).read_text()))
        texts = {message["role"]: message["content"] for message in body["messages"]}
        request = Request(
            "", texts.get("system", ""), texts["user"], body["max_tokens"], body.get("seed", 0)
        )
        row = {
            "digest": request.digest,
            "misdeed": "",
            "paid": False,
            "key": re.findall(r"authorization: *bearer (\S+)", head, re.IGNORECASE)[-1],
            **{name: body.get(name) for name in ("model", "seed", "temperature", "max_tokens")},
        }
        if behaviour.key and row["key"] != behaviour.key:
            return await self.refuse(writer, row, 401, "Unauthorized", "Incorrect API key")
        if behaviour.model and row["model"] != behaviour.model:
            return await self.refuse(writer, row, 404, "Not Found", f"No model {row['model']}")
        if behaviour.context and row["max_tokens"] > behaviour.context:
            why = f"The maximum context length is {behaviour.context} tokens"
            return await self.refuse(writer, row, 400, "Bad Request", why)
        self.number += 1
        misdeed = self.misdeed(behaviour)
        if misdeed is Misdeed.RATE_LIMIT_WITH_WAIT and self.has_waited(request.digest):
            misdeed = None
        row["misdeed"] = misdeed.value if misdeed else ""
        row["paid"] = misdeed is None or misdeed in PAID
        self.in_flight += 1
        row["in_flight"] = self.in_flight
        await asyncio.sleep(behaviour.latency)
        self.in_flight -= 1
        answer, usage = _completion(request, misdeed)
        self.note({**row, **(usage if row["paid"] else {})})
        if misdeed is Misdeed.RATE_LIMIT:
            return await _send(writer, 429, "Too Many Requests", _error("Slow down"))
        if misdeed is Misdeed.RATE_LIMIT_WITH_WAIT:
            wait = f"retry-after: {WAIT_SECONDS}\r\n"
            return await _send(writer, 429, "Too Many Requests", _error("Slow down"), wait)
        if misdeed is Misdeed.ERROR:
            return await _send(writer, 500, "Internal Server Error", _error("Out of memory"))
        if misdeed is Misdeed.HANG:
            await asyncio.sleep(3600)
        if misdeed is Misdeed.BROKEN_JSON:
            return await _send(writer, 200, "OK", b'{"id": "x", "choices": [{"mess')
        if misdeed is Misdeed.NO_OBJECT:
            return await _send(writer, 200, "OK", b'"overloaded"')
        if misdeed is Misdeed.NO_CHOICES:
            return await _send(writer, 200, "OK", _error("Overloaded"))
        if misdeed is Misdeed.HALF_CLOSED:
            writer.write(_head(200, "OK", len(answer)) + answer[: len(answer) // 2])
            await writer.drain()
            return False
        await _send(writer, 200, "OK", answer)
        self.paid += 1
        if self.paid == behaviour.dies_after:
            os._exit(1)
        return True

    async def refuse(
        self, writer: asyncio.StreamWriter, row: dict[str, Any], status: int, reason: str, why: str
    ) -> bool:
        self.note({**row, "misdeed": str(status)})
        return await _send(writer, status, reason, _error(why))


def _error(message: str) -> bytes:
    return json.dumps({"error": {"message": message, "type": "error", "code": None}}).encode()


def _completion(request: Request, misdeed: Misdeed | None) -> tuple[bytes, dict[str, int]]:
    """The answer's body, and the tokens that it counts."""
    text, stop = answer_by_rule(request.system, request.user, request.salt), "stop"
    if misdeed is Misdeed.TRUNCATED:
        text, stop = text[: len(text) // 2], "length"
    elif misdeed is Misdeed.EMPTY:
        text = ""
    elif misdeed is Misdeed.WRONG_FORM:
        text = "Certainly! Here is what you asked for: [1] first, [2] second."
    elif misdeed is Misdeed.REFUSAL:
        text = "I'm sorry, but I can't help with that."
    usage = {
        "prompt_tokens": len(f"{request.system} {request.user}".split()),
        "completion_tokens": len(text.split()),
    }
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": stop}
    body = {
        "id": request.digest[:12],
        "object": "chat.completion",
        "created": 1,
        "model": "by-rule",
        "choices": [choice],
        "usage": {**usage, "total_tokens": sum(usage.values())},
    }
    return json.dumps(body).encode(), usage


def _head(status: int, reason: str, length: int, more: str = "") -> bytes:
    return (
        f"HTTP/1.1 {status} {reason}\r\ncontent-type: application/json\r\n"
        f"content-length: {length}\r\n{more}\r\n"
    ).encode()


async def _send(
    writer: asyncio.StreamWriter, status: int, reason: str, body: bytes, more: str = ""
) -> bool:
    writer.write(_head(status, reason, len(body), more) + body)
    await writer.drain()
    return True


async def _listen(folder: Path, port: int) -> None:
    server = await asyncio.start_server(_Server(folder).serve, "127.0.0.1", port)
    fresh = folder / f".{PORT}"
    fresh.write_text(str(server.sockets[0].getsockname()[1]))
    fresh.rename(folder / PORT)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_listen(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
