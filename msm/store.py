"""The store: finished outputs by identity, in a folder or below an S3 prefix, shared by machines.

``<store>/<stage>/<identity>/record.json`` says that an output is there, and is written last. The
files lie beside it, in a folder named for their content: two that make the same output at once,
and come to different bytes, so never mix theirs. A stage takes what it finds under its identity.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
import uuid
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from msm.errors import UserError
from msm.execution import Execution
from msm.identity import RECORD, SIGNATURE, digest_value, file_digests
from msm.listing import Listed, Listing, list_files, listing_name, to_text
from msm.record import Record, parse_record, read_record
from msm.storage.address import parse_address
from msm.storage.bucket import Bucket
from msm.storage.faults import UnreachableError
from msm.storage.fetch import fetch_folder
from msm.storage.manifest import check_names
from msm.storage.push import push_files
from msm.task import Stage

STORE_VARIABLE = "MSM_STORE"
SCHEME = "s3://"
# What `register` makes is in MLflow; its folder from elsewhere would only say that it was done. It
# is kept all the same, for `msm adopt` to point to.
NOT_TAKEN = (Stage.REGISTER.value,)
# An output took hours and its machine may be gone with it, so a server is waited for: two minutes.
PAUSES = (2, 4, 8, 16, 32, 64)

Result = TypeVar("Result")


class Store(Protocol):
    """Where outputs lie. ``at`` is ``<stage>/<identity>``."""

    def place(self, name: str) -> str:
        """Where something lies, to be named in a message."""
        ...

    def read(self, at: str, name: str) -> str | None:
        """A small text; None where there is none."""
        ...

    def write(self, at: str, name: str, text: str) -> None:
        """Put a small text there, in the place of another one."""
        ...

    def fetch(self, at: str, record: Record, folder: Path) -> None:
        """Bring the files, without the record, into a folder that is not there yet."""
        ...

    def push(self, at: str, record: Record, folder: Path) -> None:
        """Bring the files there, and then the record."""
        ...

    def list_files(self, at: str, record: Record) -> Listing:
        """Read the files there, once, and list them; nothing is kept."""
        ...


def named_store(execution: Execution) -> Store | None:
    """The store that ``execution.store`` or the environment's MSM_STORE names, if any does.

    Raises:
        UserError: the address is malformed.
    """
    address = execution.store or os.environ.get(STORE_VARIABLE, "")
    if not address:
        return None
    if not address.startswith(SCHEME):
        return FolderStore(Path(address))
    url = address.removesuffix("/")
    parse_address(f"{url}/x")
    return BucketStore(url)


def take(store: Store, stage: str, identity: str, folder: Path) -> Record | None:
    """Bring an output and its record into ``folder`` if the store has it whole.

    Args:
        store: of ``named_store``.
        stage: its name.
        identity: of the output that is wanted.
        folder: made here; it may be what an earlier call of the same left behind.

    Returns:
        The record; None where the store has no such output, or the stage's are not to be taken.

    Raises:
        UserError: what lies there is not what its record says: names the files.
    """
    at = f"{stage}/{identity}"
    text = None if stage in NOT_TAKEN else patiently(lambda: store.read(at, RECORD))
    if text is None:
        return None
    where = store.place(f"{at}/{RECORD}")
    record = parse_record(text, where)
    stated = digest_value({name: entry.sha256 for name, entry in record.files.items()})
    if (record.stage, record.identity, record.digest) != (stage, identity, stated):
        raise UserError(f"{where} is the record of something else; remove it, and run again")
    check_names(record.files, where)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not _matches(folder, record):
        shutil.rmtree(folder, ignore_errors=True)
        patiently(lambda: store.fetch(at, record, folder))
    (folder / RECORD).write_text(text, encoding="utf-8")
    signature = patiently(lambda: store.read(at, signature_name(text)))
    if signature is None:
        (folder / SIGNATURE).unlink(missing_ok=True)
    else:
        (folder / SIGNATURE).write_text(signature, encoding="utf-8")
    return record


def keep(store: Store, folder: Path) -> None:
    """Push a finished output and the list of its files, unless the store has its identity.

    Raises:
        UserError: the store cannot be written, or the output was changed since it was finished.
    """
    record = read_record(folder)
    assert record is not None, f"{folder} is not finished"
    at = f"{record.stage}/{record.identity}"
    if patiently(lambda: store.read(at, RECORD)) is None:
        if (folder / SIGNATURE).is_file():
            signature = (folder / SIGNATURE).read_text(encoding="utf-8")
            name = signature_name(record.to_json())
            patiently(lambda: store.write(at, name, signature))
        there = [name for name in record.files if (folder / name).is_file()]
        listed = to_text(list_files(folder, there))
        patiently(lambda: store.write(at, listing_name(record.digest), listed))
        patiently(lambda: store.push(at, record, folder))


def signature_name(record: str) -> str:
    """Named for the record it covers: the same output made twice has two records."""
    return f"{hashlib.sha256(record.encode()).hexdigest()}.sig"


@dataclass(frozen=True)
class FolderStore:
    """A folder, such as one on a disk that machines share."""

    root: Path

    def place(self, name: str) -> str:
        """See ``Store``."""
        return str(self.root / name)

    def read(self, at: str, name: str) -> str | None:
        """See ``Store``."""
        path = self.root / at / name
        try:
            return path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{path} cannot be read ({error}); remove it, and run again") from None

    def fetch(self, at: str, record: Record, folder: Path) -> None:
        """See ``Store``."""
        place = self.root / at / record.digest
        aside = folder.parent / f"{folder.name}.copy"
        shutil.rmtree(aside, ignore_errors=True)
        _copy(place, aside, record)
        if wrong := _wrong(aside, record):
            shutil.rmtree(aside)
            raise UserError(
                f"{place}: the bytes of {', '.join(wrong)} are not those of the record; remove "
                f"{self.root / at}, and run again"
            )
        aside.rename(folder)

    def push(self, at: str, record: Record, folder: Path) -> None:
        """See ``Store``."""
        with self._aside(at) as aside:
            _copy(folder, aside / "files", record)
            if _wrong(aside / "files", record):
                raise UserError(_changed(folder))
            _settle(aside / "files", self.root / at / record.digest)
        self.write(at, RECORD, record.to_json())

    def list_files(self, at: str, record: Record) -> Listing:
        """See ``Store``."""
        place = self.root / at / record.digest
        there = [name for name in record.files if (place / name).is_file()]
        return list_files(place, there)

    def write(self, at: str, name: str, text: str) -> None:
        """See ``Store``."""
        with self._aside(at) as aside:
            (aside / name).write_text(text, encoding="utf-8")
            _sync(aside / name)
            (aside / name).replace(self.root / at / name)

    @contextmanager
    def _aside(self, at: str) -> Iterator[Path]:
        """A hidden folder for what is not whole yet."""
        aside = self.root / at / f".{uuid.uuid4().hex}"
        try:
            aside.mkdir(parents=True)
            yield aside
        except OSError as error:
            raise UserError(
                f"the store {self.root} cannot be written: {error.strerror}; put that right, or "
                f"name another ({STORE_VARIABLE}), and run again: the output is kept"
            ) from None
        finally:
            shutil.rmtree(aside, ignore_errors=True)


@dataclass(frozen=True)
class BucketStore:
    """A prefix in S3; ``url`` is without a slash at its end."""

    url: str

    def place(self, name: str) -> str:
        """See ``Store``."""
        return f"{self.url}/{name}"

    def read(self, at: str, name: str) -> str | None:
        """See ``Store``."""
        bucket = Bucket(parse_address(f"{self.url}/{at}"))
        listed = bucket.objects().get(name)
        try:
            return bucket.read(listed).decode() if listed else None
        except UnicodeDecodeError:
            raise UserError(
                f"{bucket.address}/{name} is no text; remove it, and run again"
            ) from None

    def write(self, at: str, name: str, text: str) -> None:
        """See ``Store``."""
        content = text.encode()
        checksum = b64encode(hashlib.sha256(content).digest()).decode()
        Bucket(parse_address(f"{self.url}/{at}")).write(name, content, checksum)

    def fetch(self, at: str, record: Record, folder: Path) -> None:
        """See ``Store``."""
        if not record.files:
            folder.mkdir()
            return
        place = f"{self.url}/{at}/{record.digest}"
        fetch_folder(place, folder, record.digest)

    def list_files(self, at: str, record: Record) -> Listing:
        """See ``Store``."""
        bucket = Bucket(parse_address(f"{self.url}/{at}/{record.digest}"))
        listed = bucket.objects()
        listing = {}
        for name in sorted(set(record.files) & set(listed)):
            digest = hashlib.md5(usedforsecurity=False)
            bucket.stream(listed[name], 0, listed[name].size, digest.update)
            listing[name] = Listed(listed[name].size, digest.hexdigest())
        return listing

    def push(self, at: str, record: Record, folder: Path) -> None:
        """See ``Store``."""
        if record.files:
            place = f"{self.url}/{at}/{record.digest}"
            if push_files(folder, sorted(record.files), place) != record.digest:
                raise UserError(_changed(folder))
        self.write(at, RECORD, record.to_json())


def patiently(call: Callable[[], Result]) -> Result:
    """Call, and again while the server of a store is out of reach."""
    for pause in PAUSES:
        try:
            return call()
        except UnreachableError:
            time.sleep(pause)
    return call()


def _copy(source: Path, target: Path, record: Record) -> None:
    """Copy the files that a record names and that are there, and see that they are on the disk."""
    target.mkdir()
    for name in record.files:
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if (source / name).is_file():
            shutil.copyfile(source / name, path)
            _sync(path)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _settle(files: Path, place: Path) -> None:
    """Rename to where another may have put the same content meanwhile, or spoilt content lies."""
    try:
        files.rename(place)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        if file_digests(place) != file_digests(files):
            shutil.rmtree(place)
            files.rename(place)


def _wrong(folder: Path, record: Record) -> list[str]:
    found = file_digests(folder)
    return [name for name, entry in record.files.items() if found.get(name) != entry.sha256]


def _matches(folder: Path, record: Record) -> bool:
    return folder.is_dir() and digest_value(file_digests(folder)) == record.digest


def _changed(folder: Path) -> str:
    return f"{folder} no longer matches its record; remove the folder and make it again"
