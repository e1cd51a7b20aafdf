"""Folders that tests send to S3 and fetch from there, and how they look at both."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from msm.errors import UserError
from msm.identity import file_digests
from msm.storage.address import parse_address
from tests.s3_server import SECRET, S3Server

MEGABYTE = 1_000_000
SMALL_BYTES = MEGABYTE // 2
SMALL_FILES = 20
LARGE_BYTES = 36 * MEGABYTE  # three parts


def make_folder(folder: Path) -> Path:
    """A folder with a file of several parts, small and empty ones, odd names and a record."""
    (folder / "deep" / "er").mkdir(parents=True)
    chance = random.Random(5)
    (folder / "model.safetensors").write_bytes(chance.randbytes(LARGE_BYTES))
    for number in range(SMALL_FILES):
        (folder / f"a-{number:02d}.bin").write_bytes(chance.randbytes(SMALL_BYTES))
    (folder / "config.json").write_text("{}")
    (folder / "deep" / "er" / "ä b+c %41.txt").write_text("odd")
    (folder / "empty").touch()
    (folder / "record.json").write_text('{"of": "provenance"}')
    return folder


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def place(url: str, name: str) -> dict[str, str]:
    """A file's bucket and key."""
    address = parse_address(url)
    return {"Bucket": address.bucket, "Key": address.key(name)}


def put(s3: S3Server, url: str, folder: Path) -> str:
    """Copy files as another tool would: no manifest, no checksum of ours; returns the address."""
    client = s3.client()
    for name in file_digests(folder):
        client.put_object(**place(url, name), Body=(folder / name).read_bytes())
    return url


def refused(act: Callable[..., object], *arguments: Any) -> str:
    """The message, which is one line and holds no secret."""
    with pytest.raises(UserError) as caught:
        act(*arguments)
    message = str(caught.value)
    assert "\n" not in message
    assert SECRET not in message
    return message


def left(folder: Path) -> list[str]:
    """What lies beside a folder that was to be fetched, but for locks."""
    return [path.name for path in folder.parent.iterdir() if not path.name.endswith(".lock")]
