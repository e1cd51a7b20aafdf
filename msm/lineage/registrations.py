"""What a registration says of MLflow: which run, LoggedModel and version is about which output."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from msm.identity import digest_file
from msm.lineage.graph import Lineage
from msm.lineage.index import Entry, Index
from msm.record import Record
from msm.task import Stage

REGISTRATION = "registration.json"
CHECKPOINT, SCORES = "checkpoint:", "scores:"


@dataclass(frozen=True)
class Registered:
    """A checkpoint that was registered: its name, and its run and LoggedModel."""

    name: str
    record: Record
    run_id: str
    model_id: str


@dataclass(frozen=True)
class Registration:
    """The output of a stage ``register`` as far as it is about a lineage.

    ``tags_of`` says, by a checkpoint's name, whose result it is: arm, spec and seed.
    """

    place: Path
    record: Record
    parent_run: str
    checkpoints: tuple[Registered, ...]
    candidate: str
    model: str
    version: str

    @property
    def report(self) -> str:
        """The identity of the report that was registered."""
        item = self.record.inputs.get("report")
        return (item.identity or "") if item else ""

    def scores(self, name: str) -> str:
        """The identity of a checkpoint's scores; "" where it has none."""
        item = self.record.inputs.get(f"{SCORES}{name}")
        return (item.identity or "") if item else ""

    def result(self, name: str) -> Mapping[str, object]:
        """Whose result a checkpoint is: arm, spec and seed."""
        found = self.record.config.get("results", {}).get(name, {})
        return found if isinstance(found, Mapping) else {}


def registrations(index: Index, lineage: Lineage) -> Iterator[Registration | Path]:
    """The registrations of a lineage's checkpoints; the path of one that was changed since."""
    for entry in index.of(Stage.REGISTER):
        place = Path(entry.place)
        about = _checkpoints(entry, index, lineage)
        if not about:
            continue
        said = place / REGISTRATION
        stated = entry.record.files.get(REGISTRATION)
        if stated is None or not said.is_file() or digest_file(said) != stated.sha256:
            yield said
            continue
        raw = json.loads(said.read_text(encoding="utf-8"))
        yield Registration(
            place=place,
            record=entry.record,
            parent_run=str(raw["parent_run"]),
            checkpoints=tuple(
                Registered(name, record, str(raw["runs"][name]), str(raw["logged_models"][name]))
                for name, record in about.items()
                if name in raw["runs"] and name in raw["logged_models"]
            ),
            candidate=str(raw["candidate"]),
            model=str(raw["model"]["name"]),
            version=str(raw["model"]["version"]),
        )


def registered_versions(index: Index) -> frozenset[str]:
    """The versions that the registrations of a workspace made, as ``models:/NAME/VERSION``."""
    found = set()
    for entry in index.of(Stage.REGISTER):
        try:
            raw = json.loads((Path(entry.place) / REGISTRATION).read_text(encoding="utf-8"))
            found.add(f"models:/{raw['model']['name']}/{raw['model']['version']}")
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return frozenset(found)


def _checkpoints(entry: Entry, index: Index, lineage: Lineage) -> dict[str, Record]:
    """The registered checkpoints that stand in the lineage, by name."""
    found = {}
    known: Mapping[str | None, Record | None] = {
        key: node.record for key, node in lineage.nodes.items()
    }
    for role, item in entry.record.inputs.items():
        if role.startswith(CHECKPOINT) and item.identity in known:
            record = known[item.identity]
            if record is not None:
                found[role.removeprefix(CHECKPOINT)] = record
    return found
