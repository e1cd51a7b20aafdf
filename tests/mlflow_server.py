"""A real MLflow server on a port of its own, which can be stopped and started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from msm.registry.database import make_database
from msm.registry.server import QUIET


class MlflowServer:
    """Keeps its runs in a SQLite file, so that they outlive it."""

    def __init__(self, folder: Path, takes_artifacts: bool = False) -> None:
        """``takes_artifacts``: clients send them to the server, and need not reach the folder."""
        self._store = f"sqlite:///{folder / 'server.db'}"
        place = (folder / "artifacts").as_uri()
        self._artifacts = (
            ("--artifacts-destination", place)
            if takes_artifacts
            else ("--default-artifact-root", place)
        )
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        make_database(self._store)

    def start(self) -> None:
        command = [
            *(sys.executable, "-m", "mlflow", "server", "--backend-store-uri", self._store),
            *self._artifacts,
            *("--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"),
        ]
        self._process = subprocess.Popen(
            command,
            env={**os.environ, **QUIET},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.uri}/health", timeout=5):
                    return
            except OSError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.2)
        raise RuntimeError("the MLflow server did not start")

    def stop(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
