"""Pushing a folder to S3: every file with checksums that the server compares, the manifest last."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from msm.errors import UserError
from msm.identity import WORK
from msm.storage.address import parse_address
from msm.storage.bucket import Bucket
from msm.storage.manifest import MANIFEST, FileEntry, Manifest, check_names, find_manifest
from msm.storage.parts import Part, carry_content, cut, side_by_side


class OtherContentError(UserError):
    """Under the address lies a whole folder of other content."""


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


@dataclass(frozen=True)
class _Sent:
    """A part that the server has: its tag there, and its SHA-256 in base64."""

    tag: str
    checksum: str


def push_folder(folder: Path, url: str) -> str:
    """Push the files of a folder below ``s3://bucket/prefix``, and its manifest when all are there.

    Each file is read once; the server compares each part with the SHA-256 of what was read. A push
    that was cut off goes on from what the server has; one that has ended is left as it is.

    Args:
        folder: every file in it is pushed, the record too, but no work folder.
        url: where to; server and credentials come from the environment.

    Returns:
        The content digest of the folder (``msm.identity.digest_path``).

    Raises:
        OtherContentError: the prefix holds another folder.
        UserError: S3 refuses or fails; the folder is empty; a file was changed meanwhile.
    """
    return push_files(folder, _names(folder), url)


def push_files(folder: Path, names: Sequence[str], url: str) -> str:
    """Push these files of a folder, as ``push_folder`` does; returns their content digest.

    Args:
        folder: in which they lie.
        names: relative to it.
        url: where to.

    Raises:
        OtherContentError: the prefix holds another folder.
        UserError: S3 refuses or fails; a file was changed meanwhile.
    """
    address = parse_address(url)
    bucket = Bucket(address)
    listed = bucket.objects()
    there = find_manifest(bucket, listed)
    if there is not None:
        known = side_by_side(lambda name: _digests(folder / name), names)
        if there != _manifest(known):
            raise OtherContentError(
                f"{address} holds another folder already (content {there.digest}); "
                "choose another prefix: what was pushed is never overwritten"
            )
    else:
        alike = [n for n in names if n in listed and listed[n].size == _size(folder / n)]
        known = side_by_side(lambda name: _digests(folder / name), alike)
    checksums = side_by_side(bucket.checksum, [name for name in known if name in listed])
    whole = {name: d for name, d in known.items() if checksums.get(name) == d.checksum}
    sent = _upload(bucket, folder, [name for name in names if name not in whole])
    manifest = _manifest({**whole, **sent})
    if there is None:
        text = manifest.to_json().encode()
        bucket.write(MANIFEST, text, _base64(hashlib.sha256(text)))
    elif there != manifest:
        raise UserError(f"{folder} was changed while it was pushed; push it again")
    return manifest.digest


def _names(folder: Path) -> list[str]:
    """The files that are to be pushed, by relative name."""
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; name one to push")
    found = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
    names = [name.as_posix() for name in found if name.parts[0] != WORK]
    if not names:
        raise UserError(f"{folder} holds no file; there is nothing to push")
    if MANIFEST in names:
        raise UserError(f"{folder} holds a file {MANIFEST}, which a push writes; remove it")
    check_names(names, str(folder))
    return names


def _manifest(digests: Mapping[str, _Digests]) -> Manifest:
    return Manifest({name: digest.entry for name, digest in digests.items()})


def _digests(path: Path) -> _Digests:
    whole, parts = hashlib.sha256(), []
    size = _size(path)
    with path.open("rb") as file:
        for part in cut(path.name, size):
            content = file.read(part.length)
            whole.update(content)
            parts.append(_base64(hashlib.sha256(content)))
    return _Digests(FileEntry(size, whole.hexdigest()), tuple(parts))


def _upload(bucket: Bucket, folder: Path, names: Sequence[str]) -> dict[str, _Digests]:
    """Bring every part that is not there yet; an object is there when all its parts are."""
    parts = {name: cut(name, _size(folder / name)) for name in names}
    in_parts = [name for name in names if len(parts[name]) > 1]
    begun = bucket.open_uploads() if in_parts else {}
    uploads = {name: begun.get(name) or bucket.begin_upload(name) for name in in_parts}
    entries: dict[str, FileEntry] = {}

    def content() -> Iterator[tuple[Part, bytes]]:
        for name in names:
            whole = hashlib.sha256()
            with (folder / name).open("rb") as file:
                for part in parts[name]:
                    read = file.read(part.length)
                    whole.update(read)
                    yield part, read
            entries[name] = FileEntry(sum(part.length for part in parts[name]), whole.hexdigest())

    def send(part: Part, read: bytes) -> _Sent:
        if len(read) != part.length:
            raise UserError(f"{folder / part.name} was changed while it was pushed; push it again")
        checksum = _base64(hashlib.sha256(read))
        if part.name not in uploads:
            bucket.write(part.name, read, checksum)
            return _Sent("", checksum)
        upload = uploads[part.name]
        there = upload.parts.get(part.number)  # from a push that was cut off
        if there is None or there != _tag(read):
            there = bucket.write_part(upload, part.number, read, checksum)
        return _Sent(there, checksum)

    total = sum(part.length for name in names for part in parts[name])
    sent: dict[str, dict[int, _Sent]] = {name: {} for name in names}
    for part, result in carry_content(f"push {bucket.address}", total, content(), send):
        sent[part.name][part.number] = result
    digests = {
        name: _Digests(entries[name], tuple(sent[name][part.number].checksum for part in pieces))
        for name, pieces in parts.items()
    }
    for name, upload in uploads.items():
        tags = {number: result.tag for number, result in sent[name].items()}
        bucket.end_upload(upload, tags, digests[name].parts)
    return digests


def _size(path: Path) -> int:
    return path.stat().st_size


def _tag(content: bytes) -> str:
    """What S3 calls a part: its MD5, unless the bucket encrypts with keys of its own."""
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


def _base64(digest: hashlib._Hash) -> str:
    return b64encode(digest.digest()).decode()
