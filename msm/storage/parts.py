"""Files cut into parts, which travel side by side and each at most once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass
from typing import TypeVar

from msm.progress import track
from msm.storage.bucket import CONNECTIONS

PART_BYTES = 16 << 20  # S3 takes 5 MiB to 5 GiB
MOST_PARTS = 10_000  # of one object in S3

Result = TypeVar("Result")


@dataclass(frozen=True)
class Part:
    """Some bytes of a file; parts are numbered from 1."""

    name: str
    number: int
    start: int
    length: int


def cut(name: str, size: int) -> list[Part]:
    """The parts of a file of ``size`` bytes, the same each time; at least one."""
    length = max(PART_BYTES, -(-size // MOST_PARTS))
    return [
        Part(name, number, start, min(length, size - start))
        for number, start in enumerate(range(0, max(1, size), length), 1)
    ]


def carry(
    label: str, parts: Sequence[Part], move: Callable[[Part], Result]
) -> Iterator[tuple[Part, Result]]:
    """Move parts side by side, and yield each as it has ended, with what ``move`` returned.

    The first fault is raised; then what has not begun never does.
    """
    total, done = sum(part.length for part in parts), 0
    with ThreadPoolExecutor(CONNECTIONS) as pool, track(label, _megabytes(total), "MB") as advance:
        jobs = {pool.submit(move, part): part for part in parts}
        try:
            for job in as_completed(jobs):
                yield jobs[job], job.result()
                done += jobs[job].length
                advance(_megabytes(done))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def carry_content(
    label: str,
    total: int,
    content: Iterable[tuple[Part, bytes]],
    move: Callable[[Part, bytes], Result],
) -> Iterator[tuple[Part, Result]]:
    """Move parts side by side while the next are read; yield each as it has ended, as ``carry``.

    Args:
        label: of the bar that shows it.
        total: bytes of all parts.
        content: each part with its bytes; read only as fast as parts are moved.
        move: called in other threads.
    """
    done = 0
    jobs: dict[Future[Result], Part] = {}
    with ThreadPoolExecutor(CONNECTIONS) as pool, track(label, _megabytes(total), "MB") as advance:

        def ended(most: int) -> Iterator[tuple[Part, Result]]:
            nonlocal done
            while len(jobs) > most:
                for job in wait(jobs, return_when=FIRST_COMPLETED).done:
                    part = jobs.pop(job)
                    yield part, job.result()
                    done += part.length
                    advance(_megabytes(done))

        try:
            for part, bytes_of_it in content:
                jobs[pool.submit(move, part, bytes_of_it)] = part
                yield from ended(CONNECTIONS)  # one is read ahead, no more: each is in memory
            yield from ended(0)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def side_by_side(act: Callable[[str], Result], names: Iterable[str]) -> dict[str, Result]:
    """What ``act`` returns for each name; several at once."""
    known = list(names)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return dict(zip(known, pool.map(act, known), strict=True))


def _megabytes(size: int) -> int:
    return -(-size // 1_000_000)
