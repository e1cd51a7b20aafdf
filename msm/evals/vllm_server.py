"""vLLM's server, started for one task from an environment of its own, and ended with it.

vLLM pins another torch than this package, so it is never imported here: MSM_VLLM_PYTHON names an
interpreter that has it, and it is talked to over HTTP on loopback.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msm.errors import UserError
from msm.parent import end_with_parent
from msm.training_settings import Precision

VARIABLE = "MSM_VLLM_PYTHON"
NAME = "student"  # what the server calls what it serves
RANKS = (
    8,
    16,
    32,
    64,
    128,
    256,
    320,
    512,
)  # that --max-lora-rank takes (vLLM 0.32, config/lora.py)
STARTING = 3600.0  # seconds: weights of 100 GB from a slow disk, and compilation
ENDING = 20.0  # seconds from SIGTERM to SIGKILL
POLL = 0.5
DTYPES = {Precision.BF16: "bfloat16", Precision.FP32: "float32"}


@dataclass(frozen=True)
class VllmServer:
    """A server under way; ``url`` is its OpenAI address."""

    url: str
    process: subprocess.Popen[bytes]

    def close(self) -> None:
        """End it, with its engine's processes; again, nothing."""
        atexit.unregister(self.close)
        if self.process.poll() is not None:
            return
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(ENDING)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def start_vllm(
    student: Path,
    adapter: Path | None,
    precision: Precision,
    arguments: Mapping[str, Any],
    log: Path,
) -> VllmServer:
    """Serve a whole model, or a student with an adapter, as ``NAME``; returns when it answers.

    Args:
        student: folder of the whole model.
        adapter: folder of an adapter on it.
        precision: what is computed in.
        arguments: vLLM's own options by name, such as ``tensor_parallel_size: 4``.
        log: a file for what vLLM says.

    Raises:
        UserError: there is no vLLM, or it ended; with the last line that it said.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # Not the program `vllm`: builds for CPUs have another package's name, which it does not find.
    command = [
        *(_interpreter(), "-m", "vllm.entrypoints.openai.api_server", "--model", str(student)),
        *("--host", "127.0.0.1", "--port", str(port), "--dtype", DTYPES[precision]),
        *_of_adapter(adapter),
        *_options(arguments),
    ]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: end_with_parent(signal.SIGTERM),
        )
    server = VllmServer(f"http://127.0.0.1:{port}/v1", process)
    atexit.register(server.close)
    deadline = time.monotonic() + STARTING
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return server
        except OSError:
            time.sleep(POLL)
    server.close()
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    told = next((line for line in reversed(said) if "Error" in line), said[-1] if said else "")
    raise UserError(f"execution.student: vLLM did not start: {told.strip()} (all of it: {log})")


def _interpreter() -> str:
    python = os.environ.get(VARIABLE, "")
    if not python:
        raise UserError(
            f"execution.student: vLLM is to be started here, and {VARIABLE} names no interpreter "
            "of an environment that has it; or give the base_url of a server"
        )
    if not os.access(python, os.X_OK):
        raise UserError(f"{VARIABLE}: {python} is no program; name the interpreter that has vLLM")
    return python


def _of_adapter(adapter: Path | None) -> tuple[str, ...]:
    from msm.training.adapter import adapter_config

    if adapter is None:
        return ("--served-model-name", NAME)
    rank = int(adapter_config(adapter)["r"])
    room = next((size for size in RANKS if size >= rank), rank)
    modules = ("--lora-modules", f"{NAME}={adapter}")
    return ("--served-model-name", "start", "--enable-lora", "--max-lora-rank", str(room), *modules)


def _options(arguments: Mapping[str, Any]) -> Iterator[str]:
    for name, value in arguments.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            yield flag
        elif value is not False and value is not None:
            yield flag
            yield json.dumps(value) if isinstance(value, (dict, list)) else str(value)
