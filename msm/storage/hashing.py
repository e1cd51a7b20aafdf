"""SHA-256 of objects in S3, read where they lie and kept nowhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from msm.storage.address import parse_address
from msm.storage.bucket import CONNECTIONS, Bucket, Listed
from msm.storage.manifest import FileEntry


def hash_objects(url: str, advance: Callable[[int], None] | None = None) -> Mapping[str, FileEntry]:
    """Size and SHA-256 of every object below ``s3://bucket/prefix``, by its name there.

    The bytes are read again: what the server says of its own checksums is not taken.

    Args:
        url: the prefix; server and credentials come from the environment.
        advance: called, from any thread, with the bytes of each object that was read.

    Raises:
        UserError: S3 refuses or fails.
    """
    bucket = Bucket(parse_address(url))
    listed = bucket.objects()

    def hashed(item: Listed) -> FileEntry:
        digest = hashlib.sha256()
        bucket.stream(item, 0, item.size, digest.update)
        if advance is not None:
            advance(item.size)
        return FileEntry(item.size, digest.hexdigest())

    largest_first = sorted(listed.values(), key=lambda item: -item.size)
    with ThreadPoolExecutor(CONNECTIONS, "hashing") as pool:
        return {
            item.name: entry
            for item, entry in zip(largest_first, pool.map(hashed, largest_first), strict=True)
        }
