"""From what a person wrote to the thing, the index it was found in, and its lineage."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from msm.errors import UserError
from msm.identity import RECORD
from msm.lineage.gather import gather
from msm.lineage.graph import Lineage
from msm.lineage.index import Index, absolute, open_index
from msm.lineage.reference import Target, parse_reference, resolve
from msm.registry.server import tracking_uri

_LEVELS = ("outputs", "experiment", "stage", "name")


@dataclass(frozen=True)
class Found:
    """A reference, followed: where it leads, and what that was made of."""

    target: Target
    index: Index
    lineage: Lineage


def find(text: str, workspace: Path | None = None, store: str = "") -> Found:
    """Follow a reference to its lineage.

    Args:
        text: see ``msm.lineage.reference.FORMS``.
        workspace: whose outputs are looked at; left out, that of the output folder which the text
            names, else the current folder.
        store: as MSM_STORE, which is used where it is empty.

    Raises:
        UserError: it leads nowhere, or to more than one thing.
    """
    reference = parse_reference(text)
    index = open_index(workspace or workspace_of(Path(text)), store, Path(text))
    target = resolve(reference, index, tracking_uri(index.root))
    return Found(target, index, lineage_of(target, index))


def workspace_of(folder: Path) -> Path:
    """The workspace in whose ``outputs/<experiment>/<stage>/<name>`` a folder lies, or here."""
    parents = absolute(folder).parents
    deep = len(parents) >= len(_LEVELS) and (folder / RECORD).is_file()
    if deep and parents[len(_LEVELS) - 2].name == _LEVELS[0]:
        return parents[len(_LEVELS) - 1]
    return Path()


def lineage_of(target: Target, index: Index) -> Lineage:
    """The lineage of a target.

    That of a figure has the report as its root, and of its inputs the scores of the figure alone.
    That of a model version has the checkpoint as its root; beside it stand the report that the
    version was registered with, and of its inputs what measured this very checkpoint.

    Raises:
        UserError: a record that it begins at is not there.
    """
    if target.figures:
        roles = {role for figure in target.figures for role in figure.sources}
        return gather(target.identity, index, target.digest, roles)
    own = gather(target.identity, index, target.digest)
    if not target.report or target.report == target.identity:
        return own
    if not index.by_identity(target.report, "report"):
        return own
    return own.joined([gather(target.report, index, roles=_measuring(target, index))])


def _measuring(target: Target, index: Index) -> Collection[str]:
    """The roles in which the report of a version read what was measured of its checkpoint."""
    (report, *_) = index.by_identity(target.report, "report")
    roles = []
    for role, item in report.record.inputs.items():
        for entry in index.by_identity(item.identity or "", "evaluate")[:1]:
            checkpoint = entry.record.inputs.get("checkpoint")
            measured = checkpoint.identity if checkpoint else None
            if entry.record.stage == "evaluate" and measured == target.identity:
                roles.append(role)
    return roles


def must_be_whole(lineage: Lineage) -> None:
    """Refuse a lineage in which anything is missing.

    Raises:
        UserError: names what is missing.
    """
    missing = lineage.missing()
    if missing:
        told = ", ".join(node.label for node in missing[:5])
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise UserError(f"not found: {told}{more}; fetch the data, or name another --workspace")
