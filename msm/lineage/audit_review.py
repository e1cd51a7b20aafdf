"""Whether the log of promotions holds together, and gates were overridden with a reason alone."""

from __future__ import annotations

from collections.abc import Iterator

from msm.lineage.findings import Check, Finding, Severity
from msm.review.chain import Chain
from msm.review.entry import Action

REVIEW = "review"  # what a fault of the log speaks against: it stands behind every stage


def chain_findings(chain: Chain) -> Iterator[Finding]:
    """The faults of a log, each naming the entry or the tag."""
    for fault in chain.faults:
        file, _, message = fault.partition(" ")
        yield Finding(Severity.FAULT, Check.CHAIN, REVIEW, f"{chain.model} {file}", message)
    for name in chain.spare:
        message = "has no place in the log: its writer came second, or was cut off"
        yield Finding(Severity.WARNING, Check.CHAIN, REVIEW, f"{chain.model} log/{name}", message)


def override_findings(chain: Chain, version: str = "") -> Iterator[Finding]:
    """Promotions against red gates without a reason; of one version, or of all."""
    for entry in chain.entries:
        act = entry.act
        if version and act.version != version:
            continue
        if act.action is Action.PROMOTE and act.overridden and not act.reason.strip():
            message = f"version {act.version} was promoted against red gates, and nobody says why"
            yield _gate(chain, entry.name, message)
        if act.action is Action.PROMOTE and not act.verdict:
            message = f"version {act.version} was promoted, and no verdict of the gates is named"
            yield _gate(chain, entry.name, message)


def promotions(chain: Chain) -> int:
    """How many promotions a log has."""
    return sum(entry.act.action is Action.PROMOTE for entry in chain.entries)


def _gate(chain: Chain, name: str, message: str) -> Finding:
    return Finding(Severity.FAULT, Check.GATES, REVIEW, f"{chain.model} log/{name}", message)
