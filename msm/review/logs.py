"""Where the transcripts of a version's arm lie, and those of what it is held against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from msm.configs import ArmResult
from msm.evals.found import LOGS
from msm.lineage.index import Index
from msm.record import Record
from msm.reporting.scores import ArmKey
from msm.reporting.suites.loading import ROLE
from msm.review.blind import Log
from msm.suites import SuiteName

Chosen = Callable[[ArmKey], bool]


def own_logs(report: Record, result: ArmResult, index: Index, whose: str) -> list[Log]:
    """The agentic logs of an arm, one for each seed, as its report read them."""
    own = ArmKey(result.arm, result.spec)
    return list(_logs(report, index, lambda key: key == own, lambda _: whose))


def other_logs(report: Record, result: ArmResult, index: Index) -> list[Log]:
    """Those of the other arms of the same experiment."""
    own = ArmKey(result.arm, result.spec)
    return list(_logs(report, index, lambda key: key != own, lambda key: f"the arm {key}"))


def _logs(
    report: Record, index: Index, chosen: Chosen, whose: Callable[[ArmKey], str]
) -> Iterator[Log]:
    for name, given in sorted(report.config.get("suites", {}).items()):
        key = ArmKey(str(given.get("arm", "")), str(given.get("spec", "")))
        item = report.inputs.get(f"{ROLE}{name}")
        if given.get("suite") != SuiteName.AGENTIC or item is None or not chosen(key):
            continue
        told = f"{whose(key)}, seed {given.get('seed')}"
        entries = index.by_identity(item.identity or "", "evaluate")
        same = [entry for entry in entries if entry.record.digest == item.digest]
        if not same:
            yield Log(told, Path(name))
            continue
        for file, stated in same[0].record.files.items():
            if file.startswith(f"{LOGS}/") and file.endswith(".eval"):
                yield Log(told, Path(same[0].place, file), stated.sha256)
