"""Whether what MLflow says of an output is what its record says: tags, data sets, files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from msm.lineage.findings import Check, Finding, Severity
from msm.lineage.registrations import Registered, Registration
from msm.record import Record

if TYPE_CHECKING:
    from msm.registry.tracked import Tracked

TRAINED_ON = ("corpus", "chats")  # how the roles of training data begin


def output_tags(item: Registered, registration: Registration) -> dict[str, str]:
    """The tags that the run, LoggedModel and version of a checkpoint are to have."""
    result = registration.result(item.name)
    tags = {
        "msm.stage": item.record.stage,
        "msm.output": f"{item.record.stage}/{item.name}",
        "msm.identity": item.record.identity,
        "msm.digest": item.record.digest,
        "msm.commit": _commit(item.record),
        "msm.arm": str(result.get("arm", "")),
        "msm.spec": str(result.get("spec", "")),
        "msm.seed": str(result.get("seed", "")),
    }
    return {key: value for key, value in tags.items() if value}


def version_tags(item: Registered, registration: Registration) -> dict[str, str]:
    """Those of a version, which names its evidence too."""
    tags = {
        **output_tags(item, registration),
        "msm.report": registration.report,
        "msm.scores": registration.scores(item.name),
        "msm.experiment": str(registration.record.config.get("experiment", "")),
    }
    return {key: value for key, value in tags.items() if value}


def tag_findings(
    there: Tracked | None, name: str, expected: Mapping[str, str], node: str
) -> Iterator[Finding]:
    """Compare tags; ``there`` is None where MLflow has no such thing."""
    if there is None:
        yield _fault(node, name, "is not in MLflow, though it was registered")
        return
    for key, value in expected.items():
        found = there.tags.get(key)
        if found is None:
            yield _fault(node, f"{name} tag {key}", f"is missing; the record says {value[:40]}")
        elif found != value:
            yield _fault(
                node, f"{name} tag {key}", f"is '{found[:40]}', and the record says '{value[:40]}'"
            )


def link_findings(
    there: Tracked | None, name: str, run_id: str, model_id: str, node: str
) -> Iterator[Finding]:
    """The run and the LoggedModel behind a version or LoggedModel are those of its checkpoint."""
    if there is None:
        return
    if there.run_id != run_id:
        yield _fault(node, f"{name} run", f"is {there.run_id}, not the checkpoint's {run_id}")
    if there.model_id != model_id:
        yield _fault(
            node, f"{name} source", f"is {there.model_id}, not the checkpoint's {model_id}"
        )


def data_findings(
    run: Tracked | None, record: Record, measured: Collection[str], node: str
) -> Iterator[Finding]:
    """The data sets of a run are what the checkpoint was trained on and measured with.

    Args:
        run: of the checkpoint.
        record: the checkpoint's.
        measured: the digests of what its evaluations read.
        node: the checkpoint's key.
    """
    if run is None:
        return
    trained = {
        item.digest: role for role, item in record.inputs.items() if role.startswith(TRAINED_ON)
    }
    known = {*trained, *measured}
    for item in run.data:
        if not any(digest.startswith(item.digest) for digest in known):
            yield _fault(
                node,
                f"{run.name} data set {item.name}",
                f"has the digest {item.digest[:12]}, which the checkpoint was neither trained on "
                "nor measured with",
            )
        source = item.source.get("digest")
        if source is not None and not str(source).startswith(item.digest):
            yield _fault(
                node, f"{run.name} data set {item.name}", "names another digest in its source"
            )
    for digest, role in trained.items():
        if not any(item.digest and digest.startswith(item.digest) for item in run.data):
            yield _fault(node, f"{run.name} data sets", f"lack the {role} that it was trained on")


def artifact_findings(
    where: str, found: Mapping[str, str], expected: Mapping[str, str], node: str
) -> Iterator[Finding]:
    """Compare the SHA-256 of artifacts with that of the files they are copies of, by name."""
    from msm.registry.tracked import files_by_end

    for name, sha256 in sorted(expected.items()):
        there = files_by_end(found, name)
        if not there:
            yield _artifact(node, f"{where}/{name}", "is not among the artifacts")
        elif found[there] != sha256:
            yield _artifact(
                node, f"{where}/{there}", "is not the file it was copied from: its SHA-256 differs"
            )


def _commit(record: Record) -> str:
    commit = record.code.get("commit") or ""
    return f"{commit}-dirty" if commit and record.code.get("dirty") else str(commit)


def _fault(node: str, file: str, message: str) -> Finding:
    return Finding(Severity.FAULT, Check.MLFLOW, node, file, message)


def _artifact(node: str, file: str, message: str) -> Finding:
    return Finding(Severity.FAULT, Check.MLFLOW_FILES, node, file, message)
