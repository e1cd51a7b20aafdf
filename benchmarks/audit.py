"""Hashing for the audit against ``sha256sum``, on the same files in one run.

    python benchmarks/audit.py [--gigabytes 10] [--files 1000] [--rounds 3] [--into FOLDER]

Writes files of random bytes below a temporary folder, of mixed sizes that add up to what is asked
for. Then they take turns: ``sha256sum`` on all of them; ``openssl dgst``, where it is there;
``hash_files`` with one worker, and with two. OpenSSL uses the processor's instructions for SHA-256,
as Python does; coreutils does in some distributions alone. The best round of each counts. The
seconds of the processor are printed too: on a machine that does other work, they say more than
those of the clock. Aims: with one worker at most 1.1 times as long as ``sha256sum``; with two, 1.8
times faster.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from msm.lineage.hashing import hash_files

SMALLEST = 1 / 8  # of the mean size; the largest is (2 - 1/8) of it
SPARE = 4 << 30  # bytes of the disk that stay free
BLOCK = 1 << 24


@dataclass(frozen=True)
class Timed:
    """Seconds by the clock and of the processor."""

    clock: float
    processor: float


def write_files(folder: Path, total: int, count: int) -> list[Path]:
    """Files of random bytes whose sizes rise evenly and add up to ``total``."""
    mean = total / count
    noise = os.urandom(BLOCK + count)
    paths = []
    for number in range(count):
        share = number / max(1, count - 1)
        left = round(mean * (SMALLEST + (2 - 2 * SMALLEST) * share))
        path = folder / f"{number:06d}.bin"
        with path.open("wb") as file:
            while left > 0:
                part = noise[number : number + min(left, BLOCK)]
                file.write(part)
                left -= len(part)
        paths.append(path)
    return paths


def timed(work: Callable[[], dict[str, str]]) -> tuple[Timed, dict[str, str]]:
    """How long it takes, child processes included, and what it finds."""
    clock, processor = time.perf_counter(), _processor()
    found = work()
    return Timed(time.perf_counter() - clock, _processor() - processor), found


def sha256sum(paths: list[Path]) -> dict[str, str]:
    """By coreutils, in one process."""
    done = subprocess.run(
        ["sha256sum", *map(str, paths)], capture_output=True, text=True, check=True
    )
    return {line[66:]: line[:64] for line in done.stdout.splitlines()}


def openssl(paths: list[Path]) -> dict[str, str]:
    """By OpenSSL, in one process."""
    done = subprocess.run(
        ["openssl", "dgst", "-r", "-sha256", *map(str, paths)],
        capture_output=True,
        text=True,
        check=True,
    )
    return {line[66:]: line[:64] for line in done.stdout.splitlines()}


def ours(paths: list[Path], workers: int) -> dict[str, str]:
    """By the audit."""
    return {str(path): item.sha256 for path, item in hash_files(paths, workers).items()}


def _processor() -> float:
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def main() -> None:
    """Print a table of the three."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=10.0)
    parser.add_argument("--files", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--into", type=Path, default=Path(tempfile.gettempdir()))
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="msm-audit-", dir=asked.into))
    try:
        room = shutil.disk_usage(folder).free - SPARE
        total = min(round(asked.gigabytes * 1e9), max(room, 0))
        paths = write_files(folder, total, asked.files)
        size = sum(path.stat().st_size for path in paths)
        print(f"{size / 1e9:.2f} GB in {len(paths):,} files; {len(os.sched_getaffinity(0))} cores")
        ways: dict[str, Callable[[], dict[str, str]]] = {
            "sha256sum": lambda: sha256sum(paths),
            **({"openssl": lambda: openssl(paths)} if shutil.which("openssl") else {}),
            "1 worker": lambda: ours(paths, 1),
            "2 workers": lambda: ours(paths, 2),
        }
        best: dict[str, Timed] = {}
        answers = []
        for _ in range(asked.rounds):
            for name, work in ways.items():
                took, found = timed(work)
                answers.append(found)
                if name not in best or took.clock < best[name].clock:
                    best[name] = took
        assert all(found == answers[0] for found in answers), "the digests differ"
        base = best["sha256sum"]
        for name, took in best.items():
            print(
                f"{name:10} {took.clock:7.2f} s  {size / 1e9 / took.clock:5.2f} GB/s  "
                f"processor {took.processor:6.2f} s  time / sha256sum {took.clock / base.clock:.2f}"
                f"  sha256sum / time {base.clock / took.clock:.2f}"
            )
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
