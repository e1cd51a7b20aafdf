"""The audit of what MLflow holds about a lineage, by what its registrations say."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from msm.errors import UserError
from msm.identity import RECORD
from msm.lineage.audit_mlflow import (
    artifact_findings,
    data_findings,
    link_findings,
    output_tags,
    tag_findings,
    version_tags,
)
from msm.lineage.findings import Check, Finding, NotChecked, Part, join_parts
from msm.lineage.graph import Lineage
from msm.lineage.index import Index
from msm.lineage.registrations import Registered, Registration, registrations
from msm.record import Record

if TYPE_CHECKING:
    from msm.registry.tracked import Tracking


def tracking_part(lineage: Lineage, index: Index, deep: bool) -> Part:
    """Compare runs, LoggedModels, versions and, if ``deep``, their files with the records.

    What MLflow says was written by ``register``: so that is the stage that a difference speaks
    against.
    """
    known = list(registrations(index, lineage))
    changed = tuple(
        NotChecked(Check.MLFLOW, str(path), "it was changed since, so it says nothing of MLflow")
        for path in known
        if isinstance(path, Path)
    )
    valid = [item for item in known if isinstance(item, Registration)]
    if not valid:
        why = "no registration of these checkpoints lies in the workspace"
        return Part({}, (), (*changed, NotChecked(Check.MLFLOW, "tags and data sets", why)))
    from msm.registry.server import tracking_uri
    from msm.registry.tracked import open_tracking

    try:
        with open_tracking(tracking_uri()) as tracking:
            parts = [_registration_part(tracking, item, index, lineage) for item in valid]
            parts += [_review_part(item) for item in valid]
            if deep:
                parts += [_files_part(tracking, item, index, lineage) for item in valid]
    except UserError as error:
        return Part({}, (), (*changed, NotChecked(Check.MLFLOW, "tags and data sets", str(error))))
    if not deep:
        why = "their bytes are read with --deep alone"
        parts.append(Part({}, (), (NotChecked(Check.MLFLOW_FILES, "all", why),)))
    return join_parts([*parts, Part({}, (), changed)])


def _registration_part(
    tracking: Tracking, registration: Registration, index: Index, lineage: Lineage
) -> Part:
    node = _node(registration, lineage)
    findings: list[Finding] = []
    count = 0
    for item in registration.checkpoints:
        run, model = tracking.run(item.run_id), tracking.model(item.model_id)
        tags, name = output_tags(item, registration), f"run {item.run_id}"
        in_parent = {"mlflow.parentRunId": registration.parent_run}
        findings += tag_findings(run, name, {**tags, **in_parent}, node)
        findings += data_findings(run, item.record, _measured(item.record, index), node)
        findings += tag_findings(model, f"models:/{item.model_id}", tags, node)
        count += 2
        if item.name == registration.candidate:
            name = f"models:/{registration.model}/{registration.version}"
            version = tracking.version(registration.model, registration.version)
            findings += tag_findings(version, name, version_tags(item, registration), node)
            findings += link_findings(version, name, item.run_id, item.model_id, node)
            count += 1
    return Part({Check.MLFLOW: count}, tuple(findings))


def _review_part(registration: Registration) -> Part:
    """The log of promotions of the registered model, and how this very version was promoted."""
    from msm.lineage.audit_review import chain_findings, override_findings, promotions
    from msm.registry.reviews import open_registry
    from msm.registry.server import tracking_uri
    from msm.review.chain import open_chain

    with open_registry(tracking_uri()) as registry:
        chain = open_chain(registry, registration.model)
    findings = [*chain_findings(chain), *override_findings(chain, registration.version)]
    checked = {Check.CHAIN: len(chain.entries), Check.GATES: promotions(chain)}
    return Part(checked, tuple(findings))


def _files_part(
    tracking: Tracking, registration: Registration, index: Index, lineage: Lineage
) -> Part:
    """Records beside the runs, the report beside the parent run, the candidate's own files."""
    node = _node(registration, lineage)
    findings: list[Finding] = []
    count = 0
    for item in registration.checkpoints:
        for record in (item.record, _record(registration.scores(item.name), index)):
            if record is not None:
                where = f"run {item.run_id} {record.stage}"
                found = tracking.run_files(item.run_id, record.stage)
                expected = {RECORD: _sha256(record)}
                findings += artifact_findings(where, found, expected, node)
                count += 1
        if item.name == registration.candidate:
            findings += _candidate(tracking, item, node)
            count += len(item.record.files)
    report = _record(registration.report, index)
    if report is not None:
        found = tracking.run_files(registration.parent_run, "report")
        where = f"run {registration.parent_run} report"
        expected = {RECORD: _sha256(report), **_stated(report)}
        findings += artifact_findings(where, found, expected, node)
        count += len(expected)
    return Part({Check.MLFLOW_FILES: count}, tuple(findings))


def _candidate(tracking: Tracking, item: Registered, node: str) -> list[Finding]:
    found = tracking.model_files(item.model_id)
    where = f"models:/{item.model_id}"
    return list(artifact_findings(where, found, _stated(item.record), node))


def _stated(record: Record) -> dict[str, str]:
    return {name: entry.sha256 for name, entry in record.files.items()}


def _sha256(record: Record) -> str:
    """Of a record's file, as msm writes it."""
    return hashlib.sha256(record.to_json().encode()).hexdigest()


def _record(identity: str, index: Index) -> Record | None:
    found = index.by_identity(identity) if identity else ()
    return found[0].record if found else None


def _measured(record: Record, index: Index) -> set[str]:
    """The digests of all that the evaluations of a checkpoint read."""
    return {
        item.digest
        for entry in index.entries
        for role, item in entry.record.inputs.items()
        if role != "checkpoint"
        and (given := entry.record.inputs.get("checkpoint")) is not None
        and given.identity == record.identity
        and entry.record.stage == "evaluate"
    }


def _node(registration: Registration, lineage: Lineage) -> str:
    """The key of the registration in the lineage, or its label where it is outside of it."""
    key = registration.record.identity
    return key if key in lineage.nodes else f"register/{registration.place.name}"
