"""All records of a workspace, and those of a store, by identity and by content."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from msm.errors import UserError
from msm.identity import RECORD, digest_value
from msm.lineage.graph import SHORT
from msm.record import Record, parse_record, read_record
from msm.task import Stage

if TYPE_CHECKING:
    from msm.store import Store

WHOLE = 64  # characters of an identity
STORE_VARIABLE = "MSM_STORE"  # as msm.store has it


@dataclass(frozen=True)
class Entry:
    """An output that is there: its record, and the folder or S3 address of its files.

    ``name`` and ``experiment`` are empty for one that only the store has. The record lies beside
    the files in a workspace, and one level above them in a store.
    """

    record: Record
    place: str
    name: str
    experiment: str

    @property
    def label(self) -> str:
        """``stage/name``; with the identity's beginning where it has no name."""
        return f"{self.record.stage}/{self.name or self.record.identity[:SHORT]}"

    @property
    def in_store(self) -> bool:
        """Whether it lies in the store and not in the workspace."""
        return not self.experiment


@dataclass(frozen=True)
class Unreadable:
    """A record that could not be read: its place, and why."""

    place: str
    why: str


class Index:
    """What of a workspace and a store can be found. The store is asked only when need be."""

    def __init__(
        self,
        root: Path,
        entries: tuple[Entry, ...],
        unreadable: tuple[Unreadable, ...] = (),
        store: Store | None = None,
    ) -> None:
        self.root, self.entries, self.unreadable, self.store = root, entries, unreadable, store
        self.by_place: Mapping[Path, Entry] = {Path(entry.place): entry for entry in entries}
        self._by_identity: dict[str, list[Entry]] = {}
        self._by_digest: dict[str, list[Entry]] = {}
        for entry in entries:
            self._by_identity.setdefault(entry.record.identity, []).append(entry)
            self._by_digest.setdefault(entry.record.digest, []).append(entry)
        self._asked: dict[str, tuple[Entry, ...]] = {}

    def by_identity(self, identity: str, stage: str = "") -> tuple[Entry, ...]:
        """The outputs of an identity: those of the workspace, else that of the store.

        ``stage`` says where in the store to look first.

        Raises:
            UserError: the store cannot be read.
        """
        found = tuple(self._by_identity.get(identity, ()))
        return found or self._stored(identity, stage)

    def by_digest(self, digest: str) -> tuple[Entry, ...]:
        """The outputs of the workspace with this content."""
        return tuple(self._by_digest.get(digest, ()))

    def beginning(self, prefix: str) -> tuple[Entry, ...]:
        """One entry for each identity that begins so.

        A store in S3 is asked for whole identities alone, as its folders cannot be listed cheaply.

        Raises:
            UserError: the store cannot be read.
        """
        known = {key: found[0] for key, found in self._by_identity.items()}
        found = {key: entry for key, entry in known.items() if key.startswith(prefix)}
        if found or self.store is None:
            return tuple(found.values())
        if len(prefix) == WHOLE:
            return self._stored(prefix, "")
        return tuple(entry for key in _names(self.store, prefix) for entry in self._stored(key, ""))

    def of(self, stage: Stage, experiment: str = "") -> tuple[Entry, ...]:
        """The outputs of a stage in the workspace, of one experiment or of all."""
        return tuple(
            entry
            for entry in self.entries
            if entry.record.stage == stage and (not experiment or entry.experiment == experiment)
        )

    def _stored(self, identity: str, stage: str) -> tuple[Entry, ...]:
        if self.store is None or len(identity) != WHOLE:
            return ()
        if identity not in self._asked:
            stages = sorted(Stage, key=lambda each: each != stage)
            found = (_read_stored(self.store, each, identity) for each in stages)
            self._asked[identity] = tuple(entry for entry in found if entry is not None)[:1]
        return self._asked[identity]


def open_index(root: Path, store: str = "", beside: Path | None = None) -> Index:
    """Read every record of a workspace, and open the store that ``store`` or MSM_STORE names.

    ``beside`` may be a folder outside it: if it is a finished output, it is added. A record that
    cannot be read is set down as unreadable; it is no fault of the others.

    Raises:
        UserError: the store's address is malformed.
    """
    root = absolute(root)
    entries: list[Entry] = []
    unreadable = []
    paths = sorted(_record_paths(root))
    if beside is not None and (beside / RECORD).is_file():
        added = absolute(beside) / RECORD
        paths += [] if added in paths else [added]
    for path in paths:
        try:
            record = read_record(path.parent)
        except UserError as error:
            unreadable.append(Unreadable(str(path), str(error)))
            continue
        if record is not None:
            folder = path.parent
            entries.append(Entry(record, str(folder), folder.name, folder.parent.parent.name))
    return Index(root, tuple(entries), tuple(unreadable), _open_store(store))


def _open_store(address: str) -> Store | None:
    """The store of an address, or of MSM_STORE; what reads one takes a while to import."""
    if not (address or os.environ.get(STORE_VARIABLE)):
        return None
    from msm.execution import Execution
    from msm.store import named_store

    return named_store(Execution(store=address))


def _record_paths(root: Path) -> Iterator[Path]:
    """The records of finished outputs; what is being made lies in hidden folders."""
    for path in root.glob(f"outputs/*/*/*/{RECORD}"):
        if not path.parent.name.startswith("."):
            yield path


def _read_stored(store: Store, stage: str, identity: str) -> Entry | None:
    at = f"{stage}/{identity}"
    text = store.read(at, RECORD)
    if text is None:
        return None
    record = parse_record(text, store.place(f"{at}/{RECORD}"))
    return Entry(record, store.place(f"{at}/{record.digest}"), "", "")


def absolute(path: Path) -> Path:
    """A path from the root and without ``..``, its links left as they are: it names a place."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links


def _names(store: Store, prefix: str) -> list[str]:
    """The identities in a store that is a folder which begin so."""
    from msm.store import FolderStore

    if not isinstance(store, FolderStore):
        return []
    return sorted({path.name for path in store.root.glob(f"*/{prefix}*/")})


def stated_digest(record: Record) -> str:
    """The content digest that a record's own list of files comes to."""
    return digest_value({name: entry.sha256 for name, entry in record.files.items()})
