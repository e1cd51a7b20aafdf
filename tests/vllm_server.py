"""A real vLLM server on this machine's processor, from an environment of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

ENVIRONMENT = ".venv-vllm"  # `make vllm-tools`
SECONDS = 600  # until it answers; on two idle cores it takes less than one of them
ON_A_CPU = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True",
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GB
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_NO_USAGE_STATS": "1",
}


class VllmServer:
    """Serves one folder, in fp32; a context."""

    def __init__(self, python: Path, model: Path, log: Path, *options: str) -> None:
        """``options`` are vLLM's own."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        # Not `vllm serve`, which looks for the package's version under its usual name.
        self._command = [
            *(str(python), "-m", "vllm.entrypoints.openai.api_server", "--model", str(model)),
            *("--dtype", "float32", "--enforce-eager", "--max-model-len", "512"),
            *("--host", "127.0.0.1", "--port", str(port), *options),
        ]
        self._log = log

    def __enter__(self) -> VllmServer:
        """Start it, and wait until it answers."""
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                self._command,
                env={**os.environ, **ON_A_CPU},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=5):
                    return self
            except OSError:
                time.sleep(0.5)
        self._end()
        raise RuntimeError(f"vLLM did not start:\n{self._log.read_text()[-3000:]}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """End it, with the engine's process."""
        self._end()

    def ask(self, path: str, body: dict[str, Any]) -> Any:
        """What it answers to a request."""
        request = urllib.request.Request(
            f"{self.url}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)

    def nats(self, model: str, text: str) -> list[float]:
        """The log-probability of each token of a text after the first."""
        request = {"model": model, "prompt": text, "max_tokens": 1, "prompt_logprobs": 0}
        said = self.ask("/v1/completions", {**request, "add_special_tokens": False})
        first, *others = said["choices"][0]["prompt_logprobs"]
        assert first is None
        return [float(next(iter(token.values()))["logprob"]) for token in others]

    def _end(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
