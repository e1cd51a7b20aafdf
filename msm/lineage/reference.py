"""References: the ways in which a person names a thing whose lineage is wanted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from msm.errors import UserError, nearest
from msm.lineage.figures import find_figures
from msm.lineage.graph import SHORT
from msm.lineage.index import Entry, Index, absolute
from msm.registry import server
from msm.reporting.origins import Figure
from msm.task import Stage

FIGURE, MODEL = "report:", "models:/"
REGISTRY = "registry"
STAGES = frozenset(stage.value for stage in Stage)
FORMS = (
    "an output folder, stage/name, an identity (8 or more characters), NAME/3, NAME@alias, "
    "an MLflow run id, report:SUITE/ARM/SPEC[/MEASURE], or registry"
)
_HEX = re.compile(r"[0-9a-f]{8,64}")
_RUN = re.compile(r"[0-9a-f]{32}")
_NUMBERED = re.compile(r"(?P<name>[^/@]+)/(?P<version>[0-9]+)")
_ALIASED = re.compile(r"(?P<name>[^/@:]+)@(?P<alias>[^/@:]+)")
_LOGGED = re.compile(r"m-[0-9a-f]{32}")


@dataclass(frozen=True)
class OutputReference:
    """An output by its folder, or by ``stage/name``."""

    text: str


@dataclass(frozen=True)
class IdentityReference:
    """An identity or its beginning; of 32 characters it may be an MLflow run id instead."""

    text: str


@dataclass(frozen=True)
class VersionReference:
    """A version of a registered model."""

    name: str
    version: str


@dataclass(frozen=True)
class AliasReference:
    """The version that an alias of a registered model points to."""

    name: str
    alias: str


@dataclass(frozen=True)
class LoggedModelReference:
    """A LoggedModel of MLflow, as ``models:/m-0123…``."""

    model_id: str


@dataclass(frozen=True)
class FigureReference:
    """A figure of a report, ``[EXPERIMENT:]SUITE/ARM/SPEC[/MEASURE]``."""

    experiment: str
    path: str


@dataclass(frozen=True)
class RegistryReference:
    """The whole registry, for ``msm audit registry``."""


Reference = (
    OutputReference
    | IdentityReference
    | VersionReference
    | AliasReference
    | LoggedModelReference
    | FigureReference
    | RegistryReference
)


@dataclass(frozen=True)
class Target:
    """What a reference leads to.

    ``identity`` is that of an output: the checkpoint of a model version, the report of a figure.
    ``digest`` says which content of it, "" if any. ``figures`` are given for a figure alone.
    ``report`` is the identity of the report that a model version was registered with. ``name`` is
    what a person calls it; ``tags`` are MLflow's.
    """

    name: str
    identity: str
    digest: str = ""
    figures: tuple[Figure, ...] = ()
    report: str = ""
    aliases: tuple[str, ...] = ()
    run_id: str = ""
    tags: tuple[tuple[str, str], ...] = ()


def parse_reference(text: str) -> Reference:
    """What kind of thing a text names; looks nothing up.

    Raises:
        UserError: it has none of the forms.
    """
    if text == REGISTRY:
        return RegistryReference()
    if text.startswith(FIGURE):
        before, colon, after = text.removeprefix(FIGURE).partition(":")
        experiment, path = (before, after) if colon else ("", before)
        if not path.strip("/"):
            raise UserError(f"'{text}' names no figure; write report:SUITE/ARM/SPEC[/MEASURE]")
        return FigureReference(experiment, path.strip("/"))
    named = text.removeprefix(MODEL)
    if aliased := _ALIASED.fullmatch(named):
        return AliasReference(aliased["name"], aliased["alias"])
    if text.startswith(MODEL):
        if numbered := _NUMBERED.fullmatch(named):
            return VersionReference(numbered["name"], numbered["version"])
        if _LOGGED.fullmatch(named):
            return LoggedModelReference(named)
        raise UserError(f"'{text}': write models:/NAME/3 or models:/NAME@alias")
    if _HEX.fullmatch(text):
        return IdentityReference(text)
    numbered = _NUMBERED.fullmatch(text)
    if numbered and numbered["name"] not in STAGES and not Path(text).is_dir():
        return VersionReference(numbered["name"], numbered["version"])
    if text and ("/" in text or Path(text).is_dir()):
        return OutputReference(text)
    raise UserError(f"'{text}' names nothing that has a lineage; give {FORMS}")


def resolve(reference: Reference, index: Index, tracking_uri: str = "") -> Target:
    """Look a reference up.

    Args:
        reference: of ``parse_reference``.
        index: of the workspace, and of the store if there is one.
        tracking_uri: of MLflow, which is asked only for what is there; "" for what the
            environment says.

    Raises:
        UserError: it leads nowhere, or to more than one thing.
    """
    match reference:
        case OutputReference(text):
            return _of_entry(_output(text, index), text)
        case IdentityReference(text):
            return _identity(text, index, tracking_uri)
        case FigureReference(experiment, path):
            entry, figures = find_figures(index, experiment, path)
            name = f"{FIGURE}{entry.experiment}:{path}"
            return Target(name, entry.record.identity, entry.record.digest, figures)
        case RegistryReference():
            raise UserError("the registry has no lineage of its own; name a version, NAME@alias")
        case _:
            return _in_mlflow(reference, tracking_uri)


def _of_entry(entry: Entry, name: str) -> Target:
    return Target(name, entry.record.identity, entry.record.digest)


def _output(text: str, index: Index) -> Entry:
    """By its folder, wherever it lies, or as ``[experiment/]stage/name`` in the workspace."""
    folder = Path(text)
    if known := index.by_place.get(absolute(folder)):
        return known
    wanted = text.strip("/").removeprefix("outputs/")
    found = [
        entry
        for entry in index.entries
        if wanted in (entry.label, f"{entry.experiment}/{entry.label}")
    ]
    if len({entry.record.identity for entry in found}) > 1:
        told = ", ".join(f"{entry.experiment}/{entry.label}" for entry in found)
        raise UserError(f"'{text}' may be {told}; say which")
    if not found:
        if folder.is_dir():
            raise UserError(f"{folder} has no record, so it is no finished output")
        raise UserError(
            f"no output '{text}' in {index.root / 'outputs'}"
            f"{nearest(wanted, [entry.label for entry in index.entries])}"
        )
    return found[0]


def _identity(text: str, index: Index, tracking_uri: str) -> Target:
    found = index.beginning(text)
    if len(found) > 1:
        told = ", ".join(f"{item.record.identity[: SHORT + 4]} {item.label}" for item in found[:5])
        raise UserError(f"{len(found)} identities begin with {text}: {told}; give more of it")
    if found:
        return Target(found[0].label, found[0].record.identity)
    if not _RUN.fullmatch(text):
        raise UserError(
            f"no identity of {index.root / 'outputs'}{' or the store' if index.store else ''} "
            f"begins with {text}"
        )
    return _in_mlflow(text, tracking_uri)


def _in_mlflow(
    reference: VersionReference | AliasReference | LoggedModelReference | str, tracking_uri: str
) -> Target:
    """A version, an alias, a LoggedModel or, by its id, a run."""
    from msm.registry import lookup  # brings MLflow along

    uri = tracking_uri or server.tracking_uri()
    match reference:
        case VersionReference(name, version):
            known = lookup.find_version(uri, name, version)
        case AliasReference(name, alias):
            known = lookup.find_alias(uri, name, alias)
        case LoggedModelReference(model_id):
            known = lookup.find_logged_model(uri, model_id)
        case run_id:
            known = lookup.find_run(uri, run_id)
    return Target(
        name=known.name,
        identity=known.identity,
        digest=known.digest,
        report=known.tags.get("msm.report", ""),
        aliases=known.aliases,
        run_id=known.run_id,
        tags=tuple(sorted(known.tags.items())),
    )
