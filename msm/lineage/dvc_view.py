"""DVC's view of a lineage: its locks' entries, the files that they name, and what is amiss."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from msm.errors import UserError
from msm.lineage.audit_code import as_committed
from msm.lineage.audit_dvc import (
    entry_findings,
    first_outputs,
    followed,
    input_findings,
    outputs_by_place,
    status_findings,
)
from msm.lineage.audit_files import found_below
from msm.lineage.dvc_lock import LockedStage, read_lock
from msm.lineage.dvc_tool import LOCK, cache_folder, ignored, locks_below, read_list, stage_status
from msm.lineage.findings import Check, Finding, NotChecked, Part, Severity, join_parts
from msm.lineage.graph import Lineage, Node, NodeKind
from msm.lineage.hashing import Hashed
from msm.lineage.trust import made_in_order

OTHER_RUN = f"{LOCK} is of another run of it, made elsewhere; `dvc repro` records this one"


@dataclass(frozen=True)
class DvcView:
    """Entries of ``dvc.lock`` with the outputs they speak of, and paths' files as DVC sees them."""

    entries: tuple[tuple[LockedStage, Node], ...]
    files: Mapping[Path, tuple[Path, ...]]
    part: Part


def read_dvc(lineage: Lineage, root: Path) -> DvcView:
    """Read the locks, and find the files of every path that their entries name."""
    locks = locks_below(root)
    if not locks:
        why = f"there is no {LOCK} in {root}"
        return DvcView((), {}, Part({}, (), (NotChecked(Check.DVC, "all outputs", why),)))
    places = outputs_by_place(tuple(lineage.nodes.values()))
    stages: list[LockedStage] = []
    faults: list[Finding] = []
    for lock in locks:
        try:
            stages += read_lock(lock, root)
        except UserError as error:
            faults.append(_unreadable(lineage, str(lock), str(error)))
    entries = followed(stages, places)
    paths = {item.path for stage, _ in entries for item in stage.files}
    there = {path: _all_files(path) for path in paths if path.exists()}
    known = frozenset(node.key for _, node in entries)
    left_out = tuple(
        NotChecked(Check.DVC, node.label, f"no {LOCK} has an entry for it")
        for node in places.values()
        if node.key not in known and not faults
    )
    try:
        hidden = ignored(root, sorted({file for files in there.values() for file in files}))
    except UserError as error:
        return DvcView((), {}, Part({}, tuple(faults), (NotChecked(Check.DVC, "all", str(error)),)))
    files = {path: tuple(f for f in found if f not in hidden) for path, found in there.items()}
    return DvcView(entries, files, Part({}, tuple(faults), left_out))


def dvc_part(
    lineage: Lineage,
    root: Path,
    view: DvcView,
    hashes: Mapping[Path, Hashed],
    before: Iterable[Finding],
) -> Part:
    """Compare the entries with the files, and ask DVC about commands and parameters.

    ``before`` is what was found of the files already.
    """
    if not view.entries:
        return view.part
    files = {path: found_below(path, found, hashes) for path, found in view.files.items()}
    listed = _lists(view, root)
    by_entry: dict[LockedStage, tuple[Finding, ...]] = {}
    for stage, node in view.entries:
        found = tuple(entry_findings(stage, node, files, listed))
        by_entry[stage] = by_entry.get(stage, ()) + found
    elsewhere = _of_another_run(by_entry, listed)
    entries = tuple(entry for entry in view.entries if entry[0] not in elsewhere)
    unsaid = [
        NotChecked(Check.DVC, node.label, OTHER_RUN)
        for stage, node in view.entries
        if stage in elsewhere
    ]
    findings = [f for stage, found in by_entry.items() if stage not in elsewhere for f in found]
    known = {Path(finding.file).resolve() for finding in (*before, *findings)}
    known |= {path for stage in elsewhere for path in stage.outputs}
    for stage, node in first_outputs(entries).values():
        findings += input_findings(stage, node, files, known)
    places = outputs_by_place(tuple(lineage.nodes.values()))
    try:
        said = list(status_findings(stage_status(root), entries, root, places))
        findings += [item for item in said if isinstance(item, Finding)]
    except UserError as error:
        unsaid.append(NotChecked(Check.DVC, "commands and parameters", f"dvc status: {error}"))
    part = Part({Check.DVC: len(entries)}, tuple(findings), tuple(unsaid))
    return join_parts([view.part, part])


def _of_another_run(
    found: Mapping[LockedStage, Sequence[Finding]], listed: Mapping[Path, object]
) -> frozenset[LockedStage]:
    """The entries of runs that were made elsewhere, and whose locks came here by git.

    Such an entry is not of what lies here, git has it as it stands, and DVC's cache has nothing of
    what it names. An output that was changed here, or a lock, is another matter.
    """
    strange = [
        stage
        for stage, findings in found.items()
        if findings and not any(path in listed for path in stage.outputs)
    ]
    committed = {lock: as_committed(lock) for lock in {stage.lock for stage in strange}}
    return frozenset(stage for stage in strange if committed[stage.lock])


def _lists(view: DvcView, root: Path) -> dict[Path, dict[str, str]]:
    """For each output whose list DVC's cache still holds as it was: the MD5 of each file."""
    found: dict[Path, dict[str, str]] = {}
    try:
        cache = cache_folder(root)
    except UserError:
        return found
    stages = dict.fromkeys(stage for stage, _ in view.entries)  # each has a pair for every output
    for item in (item for stage in stages for item in stage.files if item.is_output):
        listed = read_list(cache, item.md5)
        if listed is not None:
            found[item.path] = listed
    return found


def _all_files(path: Path) -> tuple[Path, ...]:
    if path.is_file():
        return (path,)
    return tuple(sorted(file for file in path.rglob("*") if file.is_file()))


def _unreadable(lineage: Lineage, lock: str, message: str) -> Finding:
    """A lock that says nothing of any stage: the first one that it spoke of is in doubt."""
    order = made_in_order(lineage)
    outputs = [node for node in lineage.nodes.values() if node.kind is NodeKind.OUTPUT]
    first = min(outputs, key=lambda node: order[node.key])
    return Finding(Severity.FAULT, Check.DVC, first.key, lock, message)
