"""Digests: of files, of folders, and of values in one canonical form."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

RECORD = "record.json"
SIGNATURE = "msm.sig"  # of all files beside it, the record too; see msm.signing
WORK = ".work"  # what a stage keeps while it works, such as finished answers; no part of its output
_CHUNK = 1 << 20


def canonical_json(value: object) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, UTF-8 as is.

    Raises:
        TypeError: the value has no stable form (a set, an object, NaN); it is never hashed by
            its repr.
    """
    _refuse_unstable(value, "value")
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest_value(value: object) -> str:
    """SHA-256, in hex, of a value's canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256, in hex, of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def file_digests(folder: Path) -> dict[str, str]:
    """Digest of each file below a folder, by its relative name; without record, signature, work."""
    found = {path.relative_to(folder): path for path in sorted(folder.rglob("*"))}
    return {
        name.as_posix(): digest_file(path)
        for name, path in found.items()
        if path.is_file() and is_content(name.as_posix())
    }


def is_content(name: str) -> bool:
    """Whether a file counts in its folder's digest, by its relative name."""
    return name not in (RECORD, SIGNATURE) and name.split("/")[0] != WORK


def digest_path(path: Path) -> str:
    """Content digest of a file, or of a folder (names and digests of what is its content)."""
    return digest_value(file_digests(path)) if path.is_dir() else digest_file(path)


def seed_from(*parts: object) -> int:
    """A 63-bit seed that depends on the parts alone, so the same on every machine."""
    text = canonical_json([str(part) for part in parts])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def _refuse_unstable(value: object, where: str) -> None:
    if value is None or (isinstance(value, bool | int | str) and not isinstance(value, Enum)):
        return
    if isinstance(value, float):
        if not math.isfinite(value):
            raise TypeError(f"{where} is {value}: no canonical form")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{where} has the key {key!r}: only strings have a canonical form")
            _refuse_unstable(item, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _refuse_unstable(item, f"{where}[{index}]")
    else:
        raise TypeError(f"{where} is a {type(value).__name__}: no canonical form")
