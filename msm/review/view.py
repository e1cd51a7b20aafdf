"""Gathering a review: what MLflow has of a version, what lies here of it, and what was decided."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from msm.configs import ArmResult
from msm.errors import UserError
from msm.lineage.facts import sums, totals
from msm.lineage.find import find
from msm.lineage.index import Index, open_index
from msm.lineage.tree import Line, walk
from msm.recipe import Recipe
from msm.record import Record, read_record
from msm.registry.evidence import Evidence, read_evidence
from msm.registry.review_sources import read_made, result_of
from msm.registry.reviews import Registry, Reviewed
from msm.review.audited import means_at
from msm.review.blind import Drawn, draw_transcripts
from msm.review.chain import open_chain
from msm.review.judge import judge_version
from msm.review.logs import other_logs, own_logs
from msm.review.page import Review
from msm.review.session import Asked, recipe_of, trusted_keys
from msm.review.sides import changes, figure_rows, spec_diff
from msm.review.verdict import Verdict

CHAMPION = "champion"


@dataclass(frozen=True)
class _Side:
    """A version with the evidence that it was registered with."""

    version: Reviewed
    result: ArmResult
    evidence: Evidence
    report: Record


def review_version(
    registry: Registry, version: Reviewed, asked: Asked, against: str = CHAMPION
) -> Review:
    """Gather all that there is of a version; what cannot be had is told with its reason.

    Args:
        registry: an open registry.
        version: which.
        asked: workspace, and recipe if one was given. Nothing is written.
        against: the alias whose version it is held against.

    Raises:
        UserError: msm did not register it, or its report cannot be had.
    """
    ours = _side(registry, version)
    theirs, champion_note = _champion(registry, version, against)
    recipe, verdict_note = _recipe(asked, version)
    verdict, why = _judged(registry, version, recipe, asked)
    store = recipe.execution.store if recipe else ""
    drawn, drawn_note = _drawn(ours, theirs, open_index(asked.root, store))
    lines, told, lineage_note = _lineage(version, asked.root, store)
    made = read_made(registry, version)
    other = read_made(registry, theirs.version) if theirs else None
    chain = open_chain(registry, version.model, trusted_keys(asked, recipe))
    return Review(
        version=version,
        made=made,
        author=registry.author(version),
        reading=ours.evidence.reading,
        figures=figure_rows(
            (ours.evidence, ours.result), (theirs.evidence, theirs.result) if theirs else None
        ),
        champion=theirs.version if theirs else None,
        champion_note=champion_note,
        changes=changes(made, other) if other else (),
        spec_diff=spec_diff(made, other) if other else None,
        verdict=verdict,
        verdict_note=verdict_note or why,
        drawn=drawn,
        drawn_note=drawn_note,
        lineage=lines,
        lineage_sums=told,
        lineage_note=lineage_note,
        entries=chain.entries,
        log_faults=chain.faults,
    )


def _side(registry: Registry, version: Reviewed) -> _Side:
    if not version.identity or not version.tags.get("msm.report"):
        raise UserError(f"{version.reference} was not registered by msm: it has no evidence")
    with registry.report_of(version) as folder:
        record = read_record(folder)
        if record is None:
            raise UserError(f"the report of {version.reference} has no record; register it again")
        return _Side(version, result_of(version), read_evidence(folder), record)


def _champion(registry: Registry, version: Reviewed, alias: str) -> tuple[_Side | None, str]:
    number = registry.aliases(version.model).get(alias, "")
    if not number:
        return None, f"No version of {version.model} is {alias}."
    if number == version.version:
        return None, f"This version is the {alias} itself."
    found = registry.version(version.model, number)
    if found is None:
        return None, f"The alias {alias} points to version {number}, which is deleted."
    try:
        return _side(registry, found), ""
    except UserError as error:
        return None, f"The {alias}, version {number}, cannot be compared: {error}."


def _recipe(asked: Asked, version: Reviewed) -> tuple[Recipe | None, str]:
    try:
        return recipe_of(asked, version), ""
    except UserError as error:
        return None, f"Gates are not judged: {error}."


def _judged(
    registry: Registry, version: Reviewed, recipe: Recipe | None, asked: Asked
) -> tuple[Verdict | None, str]:
    if recipe is None:
        return None, ""
    try:
        means = means_at(asked.root, recipe.execution.store, recipe.execution.signing)
        return judge_version(registry, version, recipe, means), ""
    except UserError as error:
        return None, f"Gates could not be judged: {error}."


def _drawn(ours: _Side, theirs: _Side | None, index: Index) -> tuple[Drawn | None, str]:
    """Transcripts of the candidate's arm among the champion's, or among those of other arms."""
    mine = own_logs(ours.report, ours.result, index, "the candidate's arm")
    others = own_logs(theirs.report, theirs.result, index, "the champion's arm") if theirs else []
    others = [log for log in others if log.sha256] or other_logs(ours.report, ours.result, index)
    if not mine:
        return None, "The agentic suite was not run, so there are no transcripts to read."
    return draw_transcripts([*mine, *others], ours.version.identity), ""


def _lineage(
    version: Reviewed, root: Path, store: str
) -> tuple[tuple[Line, ...], tuple[str, ...], str]:
    try:
        found = find(version.reference, root, store)
    except UserError as error:
        return (), (), f"The lineage cannot be followed from here: {error}."
    return tuple(walk(found.lineage)), tuple(sums(totals(found.lineage))), ""
