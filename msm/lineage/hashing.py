"""SHA-256 of many files at once, as fast as the disk gives them or the cores hash them."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Container, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

# Large enough that a thread hashes for long without the interpreter's lock, small enough to stay
# in a core's second-level cache between the read and the hash.
BUFFER = 1 << 19


@dataclass(frozen=True)
class Hashed:
    """What was found at a path: size in bytes and SHA-256 in hex, or why it could not be read.

    ``md5`` is there where it was asked for.
    """

    size: int
    sha256: str
    md5: str = ""
    fault: str = ""


def hash_files(
    paths: Iterable[Path],
    workers: int | None = None,
    advance: Callable[[int], None] | None = None,
    md5_of: Container[Path] = (),
) -> Mapping[Path, Hashed]:
    """Hash files side by side, the largest first, so that no thread ends long after the others.

    Args:
        paths: files; one that is named twice is read once.
        workers: threads; by default one for each core.
        advance: called, from any of the threads, with the bytes that were read so far.
        md5_of: those whose MD5 is taken in the same reading; DVC names files by it.

    Returns:
        What was found, by path. A file that is missing or unreadable has a ``fault``: one fault
        hides no other.
    """
    sizes = {path: _size(path) for path in paths}
    ordered = sorted(sizes, key=lambda path: (-sizes[path], path))
    count = max(1, min(workers or os.cpu_count() or 1, len(ordered)))
    own = threading.local()
    counting = threading.Lock()
    read = 0

    def hashed(path: Path) -> Hashed:
        nonlocal read
        if not hasattr(own, "buffer"):
            own.buffer = memoryview(bytearray(BUFFER))
        found = _hash(path, own.buffer, path in md5_of)
        if advance is not None:
            with counting:
                read += found.size
                advance(read)
        return found

    if count == 1:
        return {path: hashed(path) for path in ordered}
    with ThreadPoolExecutor(count, "hashing") as pool:
        return dict(zip(ordered, pool.map(hashed, ordered), strict=True))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _hash(path: Path, buffer: memoryview, with_md5: bool) -> Hashed:
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    size = 0
    try:
        with path.open("rb", buffering=0) as file:
            while count := file.readinto(buffer):
                sha256.update(buffer[:count])
                if with_md5:
                    md5.update(buffer[:count])
                size += count
    except OSError as error:
        return Hashed(size, "", fault=error.strerror or type(error).__name__)
    return Hashed(size, sha256.hexdigest(), md5.hexdigest() if with_md5 else "")
