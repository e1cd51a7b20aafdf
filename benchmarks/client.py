"""Asking a model: our client against bare ``httpx`` loops, at 64, 256 and 1,024 in flight.

    python benchmarks/client.py [LATENCY [ROUNDS]]

Both ask a local server of fixed latency, in a process of its own, the same questions: 3,000 tokens
under a system text of 3,000 tokens that all share, answered by 3,000 tokens. Ours goes through
Inspect, keeps every answer on disk before it is used, and counts; the bare loop posts, parses and
forgets, once with ``httpx`` and once with ``httpx2``, its successor, which the providers' clients
are built on. They take turns within one run. Prints requests a second and CPU milliseconds a
request of each, the ratios of the throughputs, and the peak memory, which is ours.

LATENCY is in seconds. A model that writes 50 to 100 tokens a second takes 30 to 60 for such an
answer; 10, the default, ends sooner and is the harder test. At 1 the cost of the client itself
shows. ROUNDS is how many requests follow each other on a connection (default 2).
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import httpx
import httpx2

from msm.execution import Connection
from msm.llm.asking import Asker
from msm.llm.request import Request
from msm.model_choice import ModelChoice

IN_FLIGHT = (64, 256, 1024)
TOKENS = 3_000
TEXT = "word " * TOKENS
ANSWER = json.dumps(
    {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "fixed",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": TEXT},
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 2 * TOKENS,
            "completion_tokens": TOKENS,
            "total_tokens": 3 * TOKENS,
        },
    }
).encode()
REPLY = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(ANSWER),
    ANSWER,
)


@dataclass(frozen=True)
class Measured:
    """Requests a second, and CPU milliseconds of this process a request."""

    throughput: float
    cpu: float


def bare(library: ModuleType, url: str, connections: int, count: int) -> None:
    """Post and parse, with no more around it than that."""

    async def ask_all() -> None:
        waiting = iter(range(count))
        limits = library.Limits(max_connections=connections, max_keepalive_connections=connections)
        async with library.AsyncClient(limits=limits, timeout=600) as client:

            async def work() -> None:
                for number in waiting:
                    question = {
                        "model": "fixed",
                        "messages": [
                            {"role": "system", "content": TEXT},
                            {"role": "user", "content": f"{number} {TEXT}"},
                        ],
                        "max_tokens": TOKENS,
                        "temperature": 1.0,
                        "seed": number + 1,
                    }
                    answer = await client.post(f"{url}/chat/completions", json=question)
                    assert answer.json()["choices"][0]["message"]["content"]

            await asyncio.gather(*[work() for _ in range(connections)])

    asyncio.run(ask_all())


def ours(url: str, connections: int, count: int) -> None:
    """Ask as a stage does."""
    choice = ModelChoice(model="openai-api/local/fixed")
    connection = Connection(base_url=url, connections=connections)
    with (
        tempfile.TemporaryDirectory() as folder,
        Asker("author", choice, connection, Path(folder)) as asker,
    ):

        async def ask(number: int) -> str:
            request = Request(f"row-{number}", TEXT, f"{number} {TEXT}", TOKENS, number + 1)
            return await asker.ask(request, str.strip, cut_will_do=True)

        answers = asker.each(ask, range(count), "ask", "requests")
        assert all(isinstance(answer, str) for answer in answers)
        assert asker.use().requests == count


SIDES = {
    "httpx": functools.partial(bare, httpx),
    "httpx2": functools.partial(bare, httpx2),
    "ours": ours,
}


def measured(
    side: Callable[[str, int, int], None], url: str, connections: int, count: int
) -> Measured:
    """Run one side."""
    started, cpu = time.perf_counter(), time.process_time()
    side(url, connections, count)
    seconds, spent = time.perf_counter() - started, time.process_time() - cpu
    return Measured(count / seconds, 1000 * spent / count)


async def serve(latency: float) -> None:
    """Answer every request after ``latency`` seconds; prints the port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
                await reader.readexactly(int(length))
                await asyncio.sleep(latency)
                writer.write(REPLY)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=max(IN_FLIGHT))
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    """Time both sides and print the ratios."""
    if sys.argv[1:2] == ["serve"]:
        asyncio.run(serve(float(sys.argv[2])))
        return
    latency = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    os.environ["LOCAL_API_KEY"] = "none"
    server = subprocess.Popen(
        [sys.executable, __file__, "serve", str(latency)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        ours(url, 4, 4)  # warm-up: imports
        print(f"latency {latency:g} s, {rounds} rounds, load {os.getloadavg()[0]:.1f}")
        for connections in IN_FLIGHT:
            sides = {
                name: measured(side, url, connections, rounds * connections)
                for name, side in SIDES.items()
            }
            for name, side in sides.items():
                ratio = sides["ours"].throughput / side.throughput
                share = "" if name == "ours" else f"  ours / {name} {ratio:.2f}"
                print(
                    f"{connections:5} in flight  {name:6} {side.throughput:7.1f} requests/s  "
                    f"{side.cpu:5.1f} ms CPU a request{share}",
                    flush=True,
                )
        print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    finally:
        server.kill()


if __name__ == "__main__":
    main()
