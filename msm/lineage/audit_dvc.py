"""Whether ``dvc.lock`` says of every output, and of what it was made of, what lies there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msm.lineage.dvc_lock import Locked, LockedStage
from msm.lineage.dvc_tool import folder_md5
from msm.lineage.findings import Check, Finding, NotChecked, Severity
from msm.lineage.graph import Node, NodeKind
from msm.lineage.hashing import Hashed

Places = Mapping[Path, Node]  # the outputs of a lineage by their folder


def outputs_by_place(nodes: Sequence[Node]) -> Places:
    """The outputs of a lineage that lie on a disk here, by their folder."""
    return {
        Path(node.place).resolve(): node
        for node in nodes
        if node.kind is NodeKind.OUTPUT and node.place and "://" not in node.place
    }


def followed(stages: Sequence[LockedStage], places: Places) -> tuple[tuple[LockedStage, Node], ...]:
    """The entries that speak of the lineage's outputs, by what they made or by their command."""
    labels = {node.label: node for node in places.values()}
    found = []
    for stage in stages:
        own = [places[path] for path in stage.outputs if path in places]
        node = own[0] if own else labels.get(stage.label)
        # Another experiment may have an output of the same label: then its own folder is there.
        if node is not None and (own or not any(path.exists() for path in stage.outputs)):
            found.append((stage, node))
    return tuple(found)


def entry_findings(
    stage: LockedStage, node: Node, files: Mapping[Path, Mapping[str, Hashed]]
) -> Iterator[Finding]:
    """Compare an entry with the files that lie there.

    Args:
        stage: the entry.
        node: the output that it made.
        files: for each path of the entry that is there, its files as DVC sees them, by relative
            name; a path that is a file has itself as ".".
    """
    if not any(path == Path(node.place).resolve() for path in stage.outputs):
        named = ", ".join(map(str, stage.outputs)) or "nothing"
        yield _fault(stage, node, f"says that {stage.name} makes {named}, which is not there")
        return
    if stage.label and stage.label != node.label:
        yield _fault(stage, node, f"runs '{stage.command}' for {node.label}")
    for item in stage.files:
        there = files.get(item.path)
        what = f"{'output' if item.is_output else 'input'} {item.path} of {stage.name}"
        if not there:
            yield _fault(stage, node, f"names the {what}, which is not there")
        elif fault := _difference(item, there):
            yield _fault(stage, node, f"names the {what} by {fault}")


def status_findings(
    status: Mapping[str, Any],
    entries: Sequence[tuple[LockedStage, Node]],
    root: Path,
    places: Places,
) -> Iterator[Finding | NotChecked]:
    """What only DVC knows: commands and parameters of an entry that are not those of ``dvc.yaml``.

    Its word on files is left aside: it may be remembered from before they were changed.
    """
    known = {stage.name: (stage, node) for stage, node in entries}
    made = {path: (stage, node) for stage, node in entries for path in stage.outputs}
    for name, said in status.items():
        if name in known:
            stage, node = known[name]
            if "changed command" in said:
                yield _fault(stage, node, f"has another command for {name} than dvc.yaml")
            for file, keys in _parameters(said):
                yield _fault(
                    stage, node, f"has other values of {', '.join(keys)} for {name} than {file}"
                )
            continue
        for path in _outputs(said, root):
            if path in made:
                stage, node = made[path]
                yield _fault(stage, node, f"calls {stage.name} what dvc.yaml calls {name}")
            elif path in places:
                why = "dvc.lock has no entry for it"
                yield NotChecked(Check.DVC, places[path].label, why)


def _difference(item: Locked, there: Mapping[str, Hashed]) -> str:
    """What an entry says of a path that is not so; "" if it is."""
    if any(hashed.fault for hashed in there.values()):
        return "what cannot be read"
    if set(there) == {"."}:
        md5, count = there["."].md5, None
    else:
        md5, count = folder_md5({name: hashed.md5 for name, hashed in there.items()}), len(there)
    size = sum(hashed.size for hashed in there.values())
    if item.md5 != md5:
        return f"the MD5 {item.md5}, and it has {md5}"
    if item.size != size:
        return f"a size of {item.size}, and it has {size} bytes"
    if item.files != count:
        return f"{item.files} files, and it has {count}"
    return ""


def _parameters(said: Sequence[Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for part in said:
        changed = part.get("changed deps", {}) if isinstance(part, Mapping) else {}
        for file, keys in changed.items():
            if isinstance(keys, Mapping):
                yield file, tuple(keys)


def _outputs(said: Sequence[Any], root: Path) -> Iterator[Path]:
    for part in said:
        if isinstance(part, Mapping):
            for path in part.get("changed outs", {}):
                yield (root / path).resolve()


def _fault(stage: LockedStage, node: Node, message: str) -> Finding:
    return Finding(Severity.FAULT, Check.DVC, node.key, str(stage.lock), message)
