"""Whether ``dvc.lock`` says of every output, and of what it was made of, what lies there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msm.lineage.dvc_lock import Locked, LockedStage
from msm.lineage.dvc_tool import folder_tree
from msm.lineage.findings import Check, Finding, NotChecked, Severity
from msm.lineage.graph import Node, NodeKind
from msm.lineage.hashing import Hashed
from msm.listing import Listed

Files = Mapping[Path, Mapping[str, Hashed]]  # by relative name; a path that is a file has "."
Places = Mapping[Path, Node]  # the outputs of a lineage by their folder


def outputs_by_place(nodes: Sequence[Node]) -> Places:
    """The outputs of a lineage that lie on a disk here, by their folder."""
    return {
        Path(node.place).resolve(): node
        for node in nodes
        if node.kind is NodeKind.OUTPUT and node.place and "://" not in node.place
    }


def followed(stages: Sequence[LockedStage], places: Places) -> tuple[tuple[LockedStage, Node], ...]:
    """The lineage's outputs that an entry speaks of, by what it made or by its commands.

    A pair for each output, those of one entry in the order of its commands.
    """
    labels = {node.label: node for node in places.values()}
    found = []
    for stage in stages:
        own = [places[path] for path in stage.outputs if path in places]
        told = [labels[label] for label in stage.labels if label in labels]
        # Another experiment may have an output of the same label: then its own folder is there.
        if own or not any(path.exists() for path in stage.outputs):
            nodes = {node.key: node for node in [*told, *own]}
            found += [(stage, node) for node in nodes.values()]
    return tuple(found)


def entry_findings(
    stage: LockedStage, node: Node, files: Files, listed: Mapping[Path, Mapping[str, str]]
) -> Iterator[Finding]:
    """Compare what an entry says of an output and of its command with what lies there.

    Args:
        stage: the entry.
        node: an output that it made.
        files: for each path of the entry that is there, its files as DVC sees them.
        listed: for outputs whose list DVC's cache holds, the MD5 of each file by name: it tells
            whether the lock was changed, or which of the files.
    """
    place = Path(node.place).resolve()
    made = [item for item in stage.files if item.is_output and item.path == place]
    if not made:
        others = ", ".join(str(path) for path in stage.outputs if not path.exists()) or "nothing"
        yield _fault(stage, node, f"says that {stage.name} makes {others}, which is not there")
        return
    if stage.labels and node.label not in stage.labels:
        yield _fault(stage, node, f"runs '{'; '.join(stage.commands)}' for {node.label}")
    for item in made:
        there = files.get(item.path, {})
        changed = _changed(there, listed.get(item.path))
        for name in changed:
            message = f"is not what {stage.name} made: its MD5 differs from that in DVC's list"
            file = str(item.path / name)
            yield Finding(Severity.FAULT, Check.DVC, node.key, file, message)
        if not changed and (fault := _difference(item, there)):
            yield _fault(stage, node, f"names the output {item.path} of {stage.name} by {fault}")


def input_findings(
    stage: LockedStage, node: Node, files: Files, known: Collection[Path]
) -> Iterator[Finding]:
    """Compare what an entry says of its inputs with what lies there; ``node`` is its first output.

    DVC often depends on a whole folder, of which a stage reads one file. So a difference that is
    explained by a file which is ``known`` to be changed is left to that one's own finding.
    """
    for item in stage.files:
        if item.is_output or any(path.is_relative_to(item.path) for path in known):
            continue
        there = files.get(item.path, {})
        if fault := _difference(item, there):
            yield _fault(stage, node, f"names the input {item.path} of {stage.name} by {fault}")


def status_findings(
    status: Mapping[str, Any],
    entries: Sequence[tuple[LockedStage, Node]],
    root: Path,
    places: Places,
) -> Iterator[Finding | NotChecked]:
    """What only DVC knows: commands and parameters of an entry that are not those of ``dvc.yaml``.

    Its word on files is left aside: it may be remembered from before they were changed.
    """
    known = first_outputs(entries)
    made = {Path(node.place).resolve(): (stage, node) for stage, node in entries}
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


def first_outputs(
    entries: Sequence[tuple[LockedStage, Node]],
) -> Mapping[str, tuple[LockedStage, Node]]:
    """Of each entry the output that was made first, by the stage's name."""
    found: dict[str, tuple[LockedStage, Node]] = {}
    for stage, node in entries:
        found.setdefault(stage.name, (stage, node))
    return found


def _difference(item: Locked, there: Mapping[str, Hashed]) -> str:
    """What an entry says of a path that is not so; "" if it is."""
    if not there:
        return f"the MD5 {item.md5}, and it is not there"
    if any(hashed.fault for hashed in there.values()):
        return "what cannot be read"
    if set(there) == {"."}:
        md5, count = there["."].md5, None
    else:
        listing = {name: Listed(hashed.size, hashed.md5) for name, hashed in there.items()}
        md5, count = folder_tree(listing).hash_info.value, len(there)
    size = sum(hashed.size for hashed in there.values())
    if item.md5 != md5:
        return f"the MD5 {item.md5}, and it has {md5}"
    if item.size != size:
        return f"a size of {item.size}, and it has {size} bytes"
    if item.files != count:
        return f"{item.files} files, and it has {count}"
    return ""


def _changed(there: Mapping[str, Hashed], listed: Mapping[str, str] | None) -> tuple[str, ...]:
    """The files that differ from DVC's own list of them."""
    if listed is None:
        return ()
    md5s = {name: hashed.md5 for name, hashed in there.items()}
    return tuple(sorted(n for n in {*md5s, *listed} if md5s.get(n) != listed.get(n)))


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
