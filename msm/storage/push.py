"""Pushing a folder to S3: every file with checksums that the server compares, the manifest last."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from msm.errors import UserError
from msm.identity import WORK
from msm.storage.address import parse_address
from msm.storage.bucket import Bucket, OpenUpload
from msm.storage.manifest import MANIFEST, FileEntry, Manifest, check_names, find_manifest
from msm.storage.parts import Part, carry, cut, side_by_side


@dataclass(frozen=True)
class _Digests:
    """Of a file: its entry in the manifest, and the SHA-256 of each part in base64, as in S3."""

    entry: FileEntry
    parts: tuple[str, ...]

    @property
    def checksum(self) -> str:
        """What S3 calls the whole object: one part's own, or that of all parts' own."""
        if len(self.parts) == 1:
            return self.parts[0]
        whole = hashlib.sha256(b"".join(map(b64decode, self.parts)))
        return f"{_base64(whole)}-{len(self.parts)}"


def push_folder(folder: Path, url: str) -> str:
    """Push the files of a folder below ``s3://bucket/prefix``, and its manifest when all are there.

    The server compares each part with the SHA-256 that was taken of the file before. A push that
    was cut off goes on from what the server has; one that has ended is left as it is.

    Args:
        folder: every file in it is pushed, the record too, but no work folder.
        url: where to; server and credentials come from the environment.

    Returns:
        The content digest of the folder (``msm.identity.digest_path``).

    Raises:
        UserError: S3 refuses or fails; the folder is empty; the prefix holds another folder; a
            file was changed meanwhile.
    """
    address = parse_address(url)
    digests = _read(folder)
    manifest = Manifest({name: digest.entry for name, digest in digests.items()})
    bucket = Bucket(address)
    listed = bucket.objects()
    there = find_manifest(bucket, listed)
    if there is not None and there != manifest:
        raise UserError(
            f"{address} holds another folder already (content {there.digest}); "
            "choose another prefix: what was pushed is never overwritten"
        )
    candidates = [n for n in digests if n in listed and listed[n].size == digests[n].entry.size]
    checksums = side_by_side(bucket.checksum, candidates)
    missing = {n: d for n, d in digests.items() if checksums.get(n) != d.checksum}
    _upload(bucket, folder, missing)
    if there is None:
        text = manifest.to_json().encode()
        bucket.write(MANIFEST, text, _base64(hashlib.sha256(text)))
    return manifest.digest


def _read(folder: Path) -> dict[str, _Digests]:
    """Digests of all files that are to be pushed, by relative name."""
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; name one to push")
    found = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
    names = [name.as_posix() for name in found if name.parts[0] != WORK]
    if not names:
        raise UserError(f"{folder} holds no file; there is nothing to push")
    if MANIFEST in names:
        raise UserError(f"{folder} holds a file {MANIFEST}, which a push writes; remove it")
    check_names(names, str(folder))
    return side_by_side(lambda name: _digests(folder / name), names)


def _digests(path: Path) -> _Digests:
    whole, parts = hashlib.sha256(), []
    size = path.stat().st_size
    with path.open("rb") as file:
        for part in cut(path.name, size):
            content = file.read(part.length)
            whole.update(content)
            parts.append(_base64(hashlib.sha256(content)))
    return _Digests(FileEntry(size, whole.hexdigest()), tuple(parts))


def _upload(bucket: Bucket, folder: Path, files: Mapping[str, _Digests]) -> None:
    """Bring every part that is not there yet; an object is there when all its parts are."""
    in_parts = [name for name, digests in files.items() if len(digests.parts) > 1]
    begun = bucket.open_uploads() if in_parts else {}
    uploads = {name: begun.get(name) or bucket.begin_upload(name) for name in in_parts}
    tags = {name: _sent(folder, upload, files[name]) for name, upload in uploads.items()}
    missing = [
        part
        for name, digests in files.items()
        for part in cut(name, digests.entry.size)
        if part.number not in tags.get(name, {})
    ]

    def send(part: Part) -> str:
        content, checksum = _content(folder, part), files[part.name].parts[part.number - 1]
        if part.name in uploads:
            return bucket.write_part(uploads[part.name], part.number, content, checksum)
        bucket.write(part.name, content, checksum)
        return ""

    for part, tag in carry(f"push {bucket.address}", missing, send):
        if part.name in uploads:
            tags[part.name][part.number] = tag
    for name, upload in uploads.items():
        bucket.end_upload(upload, tags[name], files[name].parts)


def _sent(folder: Path, upload: OpenUpload, digests: _Digests) -> dict[int, str]:
    """The tags of the parts that the server has from a push that was cut off."""
    return {
        part.number: upload.parts[part.number]
        for part in cut(upload.name, digests.entry.size)
        if part.number in upload.parts and upload.parts[part.number] == _tag(folder, part)
    }


def _content(folder: Path, part: Part) -> bytes:
    with (folder / part.name).open("rb") as file:
        file.seek(part.start)
        return file.read(part.length)


def _tag(folder: Path, part: Part) -> str:
    """What S3 calls a part: its MD5, unless the bucket encrypts with keys of its own."""
    return f'"{hashlib.md5(_content(folder, part), usedforsecurity=False).hexdigest()}"'


def _base64(digest: hashlib._Hash) -> str:
    return b64encode(digest.digest()).decode()
