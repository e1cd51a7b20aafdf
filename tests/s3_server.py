"""A real S3 server of its own for a test session: SeaweedFS, on free ports of the loopback."""

from __future__ import annotations

import functools
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msm.parent import end_with_parent
from stack.seaweedfs import EVERYTHING, PARTS, S3User, settings_text, weed_command

BUCKET = "tests"
KEY, SECRET = "test-key", "test-secret-7391"
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class S3Server:
    """A running server, and the process that it is."""

    url: str
    process: subprocess.Popen[bytes]

    @property
    def environment(self) -> Mapping[str, str]:
        """What a client finds the server by, and nothing of the machine's own settings."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/nonexistent",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        }

    def client(self) -> Any:
        """A plain boto3 client, to look and to spoil."""
        import boto3

        return boto3.Session(KEY, SECRET).client("s3", endpoint_url=self.url)

    def stop(self) -> None:
        """End the server; its data lie in a folder that nobody needs again."""
        self.process.kill()
        self.process.wait()


def start_s3(folder: Path) -> S3Server:
    """Start a server with its data in a folder; returns once it answers a signed request."""
    settings = folder / "s3.json"
    settings.write_text(settings_text([S3User("tester", KEY, SECRET, EVERYTHING)]))
    data = folder / "data"
    data.mkdir()
    ports = _free_ports(2 * len(PARTS))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            weed_command(data, settings, ports),
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=functools.partial(_die_with, os.getpid()),
        )
    server = S3Server(f"http://127.0.0.1:{ports[0]}", process)
    try:
        _wait(server, folder / "log")
    except BaseException:
        server.stop()
        raise
    return server


def _die_with(parent: int) -> None:
    """Between fork and exec: be killed when the tests are, so that no server is left behind."""
    end_with_parent(signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)


def _wait(server: S3Server, log: Path) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    until = time.monotonic() + PATIENCE_SECONDS
    client = server.client()
    while True:
        try:
            client.create_bucket(Bucket=BUCKET)
            client.put_object(Bucket=BUCKET, Key="ready", Body=b"ready")
            return
        except (BotoCoreError, ClientError):
            assert server.process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < until, log.read_text()[-2000:]
            time.sleep(0.2)


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on; all held until the last is found, so none comes twice."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [held.getsockname()[1] for held in sockets]
    for held in sockets:
        held.close()
    return ports
