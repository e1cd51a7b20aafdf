"""The manifest of a pushed folder: every file with its size and SHA-256, written last."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath

from msm.errors import UserError
from msm.identity import digest_value, is_content
from msm.storage.bucket import Bucket, Listed

MANIFEST = "msm-manifest.json"
FORMAT = 1
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class FileEntry:
    """Size in bytes, and SHA-256 in hex."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a folder consists of, by relative name."""

    files: Mapping[str, FileEntry]

    @property
    def digest(self) -> str:
        """The content digest of the folder, as ``msm.identity.digest_path`` takes it."""
        return digest_value({n: entry.sha256 for n, entry in self.files.items() if is_content(n)})

    def to_json(self) -> str:
        """As it stands in the bucket."""
        files = {name: asdict(entry) for name, entry in sorted(self.files.items())}
        content = {"format": FORMAT, "digest": self.digest, "files": files}
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def read_manifest(text: bytes, where: str) -> Manifest:
    """Read a manifest; ``where`` is named in the message.

    Raises:
        UserError: it is malformed, of another format, or not of one piece with its digest.
    """
    try:
        content = json.loads(text)
        files = {name: FileEntry(**entry) for name, entry in content["files"].items()}
        sound = content["format"] == FORMAT and all(
            type(entry.size) is int and entry.size >= 0 and SHA256.fullmatch(entry.sha256)
            for entry in files.values()
        )
        manifest = Manifest(files)
        sound = sound and content["digest"] == manifest.digest
    except (ValueError, KeyError, TypeError, AttributeError):
        sound, manifest = False, Manifest({})
    if not sound:
        raise UserError(f"{where} is malformed; push the folder again, under another prefix")
    check_names(manifest.files, where)
    return manifest


def find_manifest(bucket: Bucket, listed: Mapping[str, Listed]) -> Manifest | None:
    """The manifest among the listed objects, if there is one.

    Raises:
        UserError: it is malformed, or cannot be read.
    """
    if MANIFEST not in listed:
        return None
    return read_manifest(bucket.read(listed[MANIFEST]), f"{bucket.address}/{MANIFEST}")


def check_names(names: Iterable[str], where: str) -> None:
    """Refuse names that would lie outside a folder, or below a file.

    Raises:
        UserError: names the first of them.
    """
    known = set(names)
    for name in sorted(known):
        above = {str(parent) for parent in PurePosixPath(name).parents}
        steps = name.split("/")
        if {"", ".", ".."} & set(steps) or "\0" in name or "\\" in name or above & known:
            raise UserError(f"{where} names the file {name!r}, which no folder can hold safely")
