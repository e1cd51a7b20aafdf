"""Checkpoints: saving one, and sending it to S3 against single-threaded boto3.

    python benchmarks/checkpoints.py [MEGABYTES [ROUNDS]]

Saves a checkpoint of so many megabytes (weights, and moments of twice their size) aside, with
``fsync``, and loads it, against ``torch.save`` with ``fsync`` of the same state, which makes no
digest. Then sends a file to a real S3 server on the loopback, the sides taking turns:

- ``push_folder``, which has SHA-256 of every part and of the file;
- boto3's ``upload_file`` without threads, as ``aws s3 cp`` that sends one part at a time, once as
  it is (CRC32) and once with SHA-256.

The server works on the same cores, and its own work for each byte, many times that of any client,
bounds both sides. So the same is done over lines that pass so many megabytes a second on each
connection, as lines to a real store do. Also prints the CPU seconds of this process and of the
server for a gigabyte.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from msm.storage.push import push_folder
from msm.training.checkpoint import Course, load_checkpoint, save_checkpoint
from msm.training.trained import Trained
from tests.s3_server import BUCKET, S3Server, start_s3

MEGABYTE = 1_000_000
LINES = (4, 16)  # MB/s of each connection
OURS, PLAIN, CHECKED = "push_folder", "boto3 1 thread", "boto3 1 thread SHA-256"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Measured:
    """Of one transfer: MB/s, and CPU seconds a gigabyte here and in the server."""

    speed: float
    own: float
    server: float


def state_of(megabytes: int) -> Trained:
    """Random weights and moments, in tensors of 16 MB."""
    count = max(1, megabytes // 3 // 16)
    tensors = {f"layer.{n}": torch.rand(4 * MEGABYTE) for n in range(count)}
    moments = {  # tensors of their own: torch.save writes shared ones once
        name: {"exp_avg": tensor.clone(), "exp_avg_sq": tensor.clone()}
        for name, tensor in tensors.items()
    }
    return Trained(tensors, moments, 1)


def seconds(act: Callable[[], object]) -> float:
    """How long it takes."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def saving(folder: Path, megabytes: int, rounds: int) -> None:
    """Print MB/s of saving and loading."""
    state, course = state_of(megabytes), Course("run", "plan")
    content = {"weights": dict(state.weights), "moments": dict(state.moments)}

    def plainly() -> None:
        with (folder / "plain.pt").open("wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())

    took: dict[str, list[float]] = {"save": [], "load": [], "torch.save": []}
    size = 0
    for step in range(rounds):
        took["save"].append(seconds(lambda step=step: save_checkpoint(folder, step, state, course)))
        path = folder / f"step-{step:08d}"
        size = sum(file.stat().st_size for file in path.iterdir())
        took["load"].append(seconds(lambda path=path: load_checkpoint(path, course)))
        took["torch.save"].append(seconds(plainly))
        for file in path.iterdir():
            file.unlink()
        path.rmdir()
    for name, times in took.items():
        speed = size / MEGABYTE / statistics.median(times)
        print(f"{name:24} {speed:7.0f} MB/s  ({size / MEGABYTE:.0f} MB)", flush=True)


def server_cpu(server: S3Server) -> float:
    """CPU seconds that the server has used."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def measured(act: Callable[[], object], server: S3Server, size: int) -> Measured:
    """Run one transfer."""
    own, its, gigabytes = time.process_time(), server_cpu(server), size / 1000 / MEGABYTE
    took = seconds(act)
    return Measured(
        size / MEGABYTE / took,
        (time.process_time() - own) / gigabytes,
        (server_cpu(server) - its) / gigabytes,
    )


def upload(client: Any, file: Path, key: str, **more: str) -> None:
    """As ``aws s3 cp`` does it, one part at a time."""
    from boto3.s3.transfer import TransferConfig

    client.upload_file(
        str(file), BUCKET, key, ExtraArgs=more or None, Config=TransferConfig(use_threads=False)
    )


def line_to(url: str, speed: int) -> AbstractContextManager[str]:
    """The URL of a line of so many MB/s a connection, in a process of its own; 0: the server's."""
    return nullcontext(url) if speed == 0 else _Line(url, speed)


class _Line(AbstractContextManager[str]):
    def __init__(self, url: str, speed: int) -> None:
        self._arguments = (sys.executable, __file__, "line", url, str(speed))

    def __enter__(self) -> str:
        self._process = subprocess.Popen(self._arguments, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


def serve_line(url: str, speed: int) -> None:
    """Relay until killed; prints the URL."""
    from tests.bad_line import BadLine

    with BadLine(url, bytes_per_second=speed * MEGABYTE) as line:
        print(line.url, flush=True)
        time.sleep(3600)


def sending(server: S3Server, folder: Path, rounds: int, speed: int) -> None:
    """Print MB/s of each side over one line, and the ratios of their medians."""
    import boto3

    file = next(folder.iterdir())
    size = file.stat().st_size
    found: dict[str, list[Measured]] = {OURS: [], PLAIN: [], CHECKED: []}
    with line_to(server.url, speed) as url:
        os.environ["AWS_ENDPOINT_URL"] = url
        client = boto3.Session().client("s3")
        for turn in range(rounds):
            key = f"{speed}-{turn}"
            acts: Sequence[tuple[str, Callable[[], object]]] = (
                (OURS, lambda key=key: push_folder(folder, f"s3://{BUCKET}/{key}-ours")),
                (PLAIN, lambda key=key: upload(client, file, f"{key}-plain")),
                (
                    CHECKED,
                    lambda key=key: upload(client, file, f"{key}-sha", ChecksumAlgorithm="SHA256"),
                ),
            )
            for name, act in acts:
                found[name].append(measured(act, server, size))
    middle = {
        name: statistics.median(item.speed for item in items) for name, items in found.items()
    }
    where = f"{speed} MB/s a connection" if speed else "loopback"
    print(f"{where}, {size / MEGABYTE:.0f} MB, median of {rounds}")
    for name, items in found.items():
        own = statistics.median(item.own for item in items)
        its = statistics.median(item.server for item in items)
        ratio = "" if name == OURS else f"  ours / this {middle[OURS] / middle[name]:.2f}"
        print(
            f"  {name:24} {middle[name]:7.1f} MB/s  CPU s/GB {own:5.2f} here {its:5.2f} server"
            f"{ratio}",
            flush=True,
        )


def main() -> None:
    """Time all and print it."""
    if sys.argv[1:2] == ["line"]:
        serve_line(sys.argv[2], int(sys.argv[3]))
        return
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 256
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        saving(Path(name), megabytes, rounds)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = start_s3(folder)
        try:
            os.environ.update(server.environment)
            (folder / "pushed").mkdir()
            (folder / "pushed" / "weights.safetensors").write_bytes(os.urandom(megabytes << 20))
            for speed in (0, *LINES):
                sending(server, folder / "pushed", rounds, speed)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
