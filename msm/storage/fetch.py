"""Fetching a folder from S3: aside, in parts, compared with what it should be, then renamed."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from msm.disk_faults import no_room
from msm.errors import UserError
from msm.identity import digest_file, digest_path, digest_value, is_content
from msm.jsonl import read_finished_rows, to_line
from msm.storage.address import Address, check_digest, parse_address
from msm.storage.bucket import Bucket, Listed
from msm.storage.manifest import MANIFEST, Manifest, check_names, find_manifest
from msm.storage.parts import Part, carry, cut, side_by_side

FILES = "files"
JOURNAL = "parts.jsonl"  # which parts are there, and of which version of the object


def fetch_folder(url: str, folder: Path, digest: str = "") -> Path:
    """Bring the files below ``s3://bucket/prefix`` into ``folder``, all of them or none.

    A folder that ``push_folder`` pushed has a manifest, with which every file is compared. Without
    one, ``digest`` has to pin the content: the folder's ``msm.identity.digest_path``, or its first
    twelve characters or more; then a record, which the digest leaves out, is not fetched. A fetch
    that was cut off goes on from the parts that it had.

    Args:
        url: where the folder lies; server and credentials come from the environment.
        folder: made here; if it already holds files, they have to be those of ``digest``.
        digest: the content that is wanted, if it is known.

    Returns:
        ``folder``.

    Raises:
        UserError: S3 refuses or fails; nothing lies there, or no manifest; the content is not
            what it should be, and then nothing of it is kept.
    """
    address = parse_address(url)
    if digest:
        check_digest(digest)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _only_process(folder):
            if folder.exists() and any(folder.iterdir()):
                return _present(folder, address, digest)
            aside = folder.parent / f".{folder.name.lstrip('.')}.fetch"
            _fetch(Bucket(address), aside, digest)
            (aside / FILES).rename(folder)
            shutil.rmtree(aside)
    except OSError as error:
        if why := no_room(error, folder.parent):
            raise UserError(f"{why} and run again") from None
        raise
    return folder


def _present(folder: Path, address: Address, digest: str) -> Path:
    if digest and not digest_path(folder).startswith(digest):
        raise UserError(
            f"{folder} holds something else than {address} at {digest}; move it away, and run again"
        )
    return folder


def _fetch(bucket: Bucket, aside: Path, digest: str) -> None:
    """Fill ``aside/files``; what was fetched and is wrong is fetched once more, then refused."""
    address = bucket.address
    listed = bucket.objects()
    if not listed:
        raise UserError(f"there is nothing below {address}; check the address")
    manifest = find_manifest(bucket, listed)
    if manifest is None and not digest:
        raise UserError(
            f"{address} has no {MANIFEST}: its push has not ended, or something else wrote it; "
            "push it again, or pin its content digest"
        )
    if manifest is not None and not manifest.digest.startswith(digest):
        raise UserError(_other_content(address, manifest.digest, digest))
    wanted = _wanted(address, listed, manifest)
    resumed = aside.exists()
    content = _content(bucket, wanted, aside)
    wrong = _wrong(content, manifest, digest)
    if wrong and (manifest is not None or resumed):
        _forget(aside, wrong)
        content = _content(bucket, wanted, aside)
        wrong = _wrong(content, manifest, digest)
    if wrong:
        shutil.rmtree(aside)
        if manifest is None:
            raise UserError(_other_content(address, digest_value(content), digest))
        raise UserError(
            f"{address}: the bytes of {', '.join(sorted(wrong))} are not those of the manifest; "
            "push the folder again, under another prefix"
        )


def _other_content(address: Address, found: str, pinned: str) -> str:
    return (
        f"{address} holds the content {found}, but {pinned} is pinned; "
        "check the address, or pin what it holds if that is what you want"
    )


def _wanted(
    address: Address, listed: Mapping[str, Listed], manifest: Manifest | None
) -> dict[str, Listed]:
    """The objects to fetch. Raises UserError: one is missing, or of another size."""
    if manifest is None:
        wanted = {name: item for name, item in listed.items() if is_content(name)}
        check_names(wanted, str(address))
        return wanted
    for name, entry in manifest.files.items():
        if name not in listed:
            raise UserError(f"{address} lacks {name}, which its manifest names; push it again")
        if listed[name].size != entry.size:
            raise UserError(
                f"{address}: {name} has {listed[name].size} bytes, but {entry.size} in the "
                "manifest; push the folder again, under another prefix"
            )
    return {name: listed[name] for name in manifest.files}


def _content(bucket: Bucket, wanted: Mapping[str, Listed], aside: Path) -> dict[str, str]:
    """Bring what is missing; returns the SHA-256 of each file, which is on the disk for good."""
    _download(bucket, wanted, aside)

    def settled(name: str) -> str:
        with (aside / FILES / name).open("rb") as file:
            os.fsync(file.fileno())
        return digest_file(aside / FILES / name)

    return side_by_side(settled, wanted)


def _wrong(content: Mapping[str, str], manifest: Manifest | None, digest: str) -> set[str]:
    """The files that are not what they should be; all, where only the whole is known."""
    if manifest is None:
        return set() if digest_value(content).startswith(digest) else set(content)
    return {name for name, sha256 in content.items() if sha256 != manifest.files[name].sha256}


def _download(bucket: Bucket, wanted: Mapping[str, Listed], aside: Path) -> None:
    """Bring every part that is not there yet, and note each as soon as it is."""
    files, journal = aside / FILES, aside / JOURNAL
    there = {path.relative_to(files).as_posix() for path in files.rglob("*") if path.is_file()}
    if there - set(wanted):  # left over from when the address held something else
        shutil.rmtree(aside)
    files.mkdir(parents=True, exist_ok=True)
    for name, item in wanted.items():
        (files / name).parent.mkdir(parents=True, exist_ok=True)
        (files / name).touch()
        os.truncate(files / name, item.size)
    done = {to_line(row) for row in read_finished_rows(journal)}
    parts = [part for item in wanted.values() for part in cut(item.name, item.size)]
    missing = [part for part in parts if _line(part, wanted) not in done]

    def bring(part: Part) -> None:
        bucket.read_range(wanted[part.name], part.start, part.length, files / part.name)

    with journal.open("a", encoding="utf-8") as file:
        for part, _ in carry(f"fetch {bucket.address}", missing, bring):
            file.write(_line(part, wanted) + "\n")
            file.flush()


def _line(part: Part, wanted: Mapping[str, Listed]) -> str:
    """A part that is there, in the journal."""
    item = wanted[part.name]
    place = {"start": part.start, "length": part.length}
    return to_line({"name": item.name, "etag": item.etag, "size": item.size, **place})


def _forget(aside: Path, names: set[str]) -> None:
    """Take files back out of the journal."""
    rows = read_finished_rows(aside / JOURNAL)
    kept = [to_line(row) + "\n" for row in rows if row["name"] not in names]
    (aside / JOURNAL).write_text("".join(kept), encoding="utf-8")


@contextmanager
def _only_process(folder: Path) -> Iterator[None]:
    """Wait until no other process fetches the folder."""
    lock = folder.parent / f".{folder.name.lstrip('.')}.fetch.lock"
    with lock.open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
