"""The audit of a whole registry: the review's own, and what its versions were made of."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from cryptography.hazmat.primitives.asymmetric import ec

from msm.errors import UserError
from msm.lineage.audit_review import REVIEW, override_findings, promotions
from msm.lineage.findings import Check, Finding, Part, Severity, Verdict, join_parts
from msm.lineage.reference import REGISTRY
from msm.registry.reviews import Registry, open_registry
from msm.registry.server import tracking_uri
from msm.registry.tracked import Tracking
from msm.review.chain import open_chain
from msm.review.registry_audit import Kind, RegistryFinding
from msm.review.registry_audit import audit_registry as audit_reviews

REGISTERED = "register"  # what a fault of a version speaks against
_OF_VERSIONS = (Kind.DELETED, Kind.CHANGED, Kind.MODEL)
_OF_LOGS = (Kind.CHAIN, Kind.SPARE)
_OF_GATES = (Kind.HIDDEN, Kind.VERDICT)


def audit_registry(trusted: Sequence[ec.EllipticCurvePublicKey] = ()) -> Verdict:
    """Audit every registered model, and every log, also of models that are gone.

    Args:
        trusted: the keys of those who may promote; where there are any, each entry of a log has to
            be signed by one of them.

    Raises:
        UserError: the registry cannot be read.
    """
    started = time.monotonic()
    with open_registry(tracking_uri()) as registry:
        said = tuple(map(_as_finding, audit_reviews(registry, trusted)))
        tracking = Tracking(registry.client, registry.uri)
        models = registry.models()
        parts = [_model_part(registry, tracking, model) for model in models]
    whole = join_parts([Part({Check.REGISTRY: len(models)}, said), *parts])
    faults = {item.node for item in whole.findings if item.severity is Severity.FAULT}
    untrusted = tuple(sorted(faults))  # a version is registered before it is reviewed
    return Verdict(
        reference=REGISTRY,
        first=untrusted[0] if untrusted else "",
        untrusted=untrusted,
        findings=whole.findings,
        not_checked=whole.not_checked,
        checked=whole.checked,
        read=0,
        seconds=round(time.monotonic() - started, 3),
    )


def _as_finding(found: RegistryFinding) -> Finding:
    severity = Severity.FAULT if found.is_fault else Severity.WARNING
    node = REGISTERED if found.kind in _OF_VERSIONS else REVIEW
    check = Check.CHAIN if found.kind in _OF_LOGS else Check.REGISTRY
    check = Check.GATES if found.kind in _OF_GATES else check
    return Finding(severity, check, node, found.where, found.message)


def _model_part(registry: Registry, tracking: Tracking, model: str) -> Part:
    versions = registry.versions(model)
    findings = list(hole_findings(model, versions))
    for number in versions:
        findings += _source_findings(registry, tracking, model, number)
    try:
        chain = open_chain(registry, model)
    except UserError:  # the log is deleted, which the review's own audit told
        return Part({Check.REGISTRY: len(versions)}, tuple(findings))
    findings += override_findings(chain)
    counts = {Check.CHAIN: len(chain.entries), Check.GATES: promotions(chain)}
    return Part({Check.REGISTRY: len(versions), **counts}, tuple(findings))


def hole_findings(model: str, versions: Sequence[str]) -> Iterator[Finding]:
    """Versions that are missing below the highest one: deleted, if nobody ever promoted them."""
    known = {int(number) for number in versions}
    for hole in sorted(set(range(1, max(known, default=0))) - known):
        where, message = f"models:/{model}/{hole}", "is deleted"
        yield Finding(Severity.WARNING, Check.REGISTRY, REGISTERED, where, message)


def _source_findings(
    registry: Registry, tracking: Tracking, model: str, number: str
) -> Iterator[Finding]:
    """The run and the LoggedModel behind a version are there."""
    version = registry.version(model, number)
    if version is None:
        return
    if version.run_id and tracking.run(version.run_id) is None:
        message = f"was made by the run {version.run_id}, which is deleted"
        yield Finding(Severity.FAULT, Check.REGISTRY, REGISTERED, version.reference, message)
    if version.model_id.startswith("m-") and tracking.model(version.model_id) is None:
        message = f"is the LoggedModel {version.model_id}, which is not there"
        yield Finding(Severity.FAULT, Check.REGISTRY, REGISTERED, version.reference, message)
