"""Gathering a lineage: from an output's record to those of its inputs, down to what is given."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from msm.errors import UserError
from msm.lineage.graph import DIGEST, SHORT, Edge, Lineage, Node, NodeKind
from msm.lineage.index import Entry, Index, absolute
from msm.lineage.places import find_place, kind_of
from msm.record import InputRecord, Record
from msm.task import Stage


def gather(
    identity: str, index: Index, digest: str = "", roles: Collection[str] | None = None
) -> Lineage:
    """The lineage of an output, as far as records lead.

    Args:
        identity: whole, of the output.
        index: where its record and those below it are looked for.
        digest: which content of it, where it was made twice with different bytes; "" for any.
        roles: of the root's own inputs, those to follow; all if left out. The rest stay out of the
            lineage, though they stand in the root's record.

    Raises:
        UserError: no record of the identity is there, or records name each other in a circle.
    """
    entry = _choose(index.by_identity(identity), digest, "")
    if entry is None:
        raise UserError(
            f"no output {identity[:SHORT]} lies in {index.root / 'outputs'}"
            f"{' or in the store' if index.store else ''}; name another --workspace, or set "
            "MSM_STORE"
        )
    root = _output(identity, entry.label, digest or entry.record.digest, entry)
    return _Gathering(index).run(root, roles)


@dataclass
class _Step:
    """A node on the path from the root, and which of its inputs are still to be looked at."""

    node: Node
    inputs: Iterator[tuple[str, InputRecord]]


class _Gathering:
    """Walks depth first, so that a circle shows as a node that is already on the path."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.nodes: dict[str, Node] = {}
        self.edges: list[Edge] = []

    def run(self, root: Node, roles: Collection[str] | None) -> Lineage:
        self.nodes[root.key] = root
        path = [_Step(root, _inputs(root.record, roles))]
        on_path = {root.key}
        while path:
            step = path[-1]
            role, item = next(step.inputs, ("", None))
            if item is None:
                on_path.discard(path.pop().node.key)
                continue
            node = self._node(role, item, on_path)
            self.edges.append(Edge(step.node.key, role, node.key))
            if node.key in on_path:
                raise UserError(
                    f"{step.node.label} was made of {node.label}, and {node.label} of it: one of "
                    "their records was changed; see msm audit"
                )
            if node.key not in self.nodes:
                self.nodes[node.key] = node
                path.append(_Step(node, _inputs(node.record, None)))
                on_path.add(node.key)
        return Lineage(root.key, self.nodes, tuple(self.edges))

    def _node(self, role: str, item: InputRecord, on_path: Collection[str]) -> Node:
        if item.identity is None:
            return self._outside(role, item, on_path)
        stage = _stage_in(item.path)
        entry = _choose(
            self.index.by_identity(item.identity, stage), item.digest, item.path, self.index.root
        )
        label = entry.label if entry and not entry.in_store else _label(item, stage, entry)
        key = item.identity
        if key in self.nodes and self.nodes[key].digest != item.digest:
            key = f"{item.identity}:{item.digest}"  # one identity, read with another content
        return _output(key, label, item.digest, entry)

    def _outside(self, role: str, item: InputRecord, on_path: Collection[str]) -> Node:
        """What has no identity: an output after all, if the index has one of this very content."""
        for entry in self.index.by_digest(item.digest):
            if entry.record.identity not in on_path:
                return _output(entry.record.identity, entry.label, item.digest, entry)
        key = f"{DIGEST}{item.digest}"
        known = self.nodes.get(key)  # a spec is read by many
        if known is not None and known.place:
            return known
        place = find_place(item.path, self.index.root)
        return Node(key, kind_of(role), item.path, item.digest, None, place)


def _output(key: str, label: str, digest: str, entry: Entry | None) -> Node:
    if entry is None:
        return Node(key, NodeKind.OUTPUT, label, digest, None, "")
    return Node(key, NodeKind.OUTPUT, label, digest, entry.record, entry.place, entry.experiment)


def _inputs(
    record: Record | None, roles: Collection[str] | None
) -> Iterator[tuple[str, InputRecord]]:
    items: Iterable[tuple[str, InputRecord]] = sorted(record.inputs.items()) if record else ()
    return iter([(role, item) for role, item in items if roles is None or role in roles])


def _choose(
    entries: tuple[Entry, ...], digest: str, path: str, root: Path = Path()
) -> Entry | None:
    """The one with this content, where it was recorded if it is there; else any of the identity."""
    same = [entry for entry in entries if entry.record.digest == digest] or list(entries)
    if len(same) == 1:
        return same[0]
    at = absolute(root / path)
    return next((entry for entry in same if Path(entry.place) == at), same[0] if same else None)


def _stage_in(path: str) -> str:
    """The stage that the folders of a workspace name in an output's path; "" elsewhere."""
    stage = Path(path).parent.name
    return stage if stage in set(Stage) else ""


def _label(item: InputRecord, stage: str, entry: Entry | None) -> str:
    """A label for what is not in the workspace: from the path it had, if that was in one."""
    if stage:
        return f"{stage}/{Path(item.path).name}"
    return entry.label if entry else f"{item.identity or item.digest}"[:SHORT]
