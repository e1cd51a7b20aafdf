"""The lineage of an output: what it was made of, what that was made of, and so on.

An output is known by its identity; what no stage made (a spec, eval items, a start model) by the
digest of its content alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from msm.errors import UserError
from msm.record import Record

SHORT = 12  # characters of an identity or digest, where a person reads it
DIGEST = "sha256:"  # what the key of a node without an identity begins with


class NodeKind(StrEnum):
    """What a node is; all but outputs come from outside."""

    OUTPUT = "output"
    SPEC = "spec"
    ITEMS = "eval items"
    FILE = "file"
    STUDENT = "weights"  # a start model, or a checkpoint trained elsewhere


@dataclass(frozen=True)
class Node:
    """One thing in a lineage.

    ``key`` is an output's identity, or ``sha256:<digest>`` for what has none; an identity that was
    read with two contents has ``<identity>:<digest>`` for the second. ``label`` is ``stage/name``,
    or the path as recorded. ``digest`` is the content digest that was read (of the root: that it
    has). ``record`` is None for what no stage made and for an output that was not found. ``place``
    is the folder or S3 address where the files lie, "" if they were not found. ``experiment`` is
    that of an output in a workspace.
    """

    key: str
    kind: NodeKind
    label: str
    digest: str
    record: Record | None
    place: str
    experiment: str = ""

    @property
    def identity(self) -> str:
        """The identity of an output; "" for what has none."""
        return "" if self.key.startswith(DIGEST) else self.key.partition(":")[0]

    @property
    def short(self) -> str:
        """As much of identity or digest as a person compares."""
        return (self.identity or self.digest)[:SHORT]

    @property
    def found(self) -> bool:
        """Whether its files were found, and of an output its record too."""
        return bool(self.place) and (self.kind is not NodeKind.OUTPUT or self.record is not None)


@dataclass(frozen=True)
class Edge:
    """``source`` read ``target`` in a ``role``; both are keys."""

    source: str
    role: str
    target: str


@dataclass(frozen=True)
class Lineage:
    """``root`` and all that it was made of. Its nodes and edges have a fixed order."""

    root: str
    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]

    @cached_property
    def _inputs(self) -> Mapping[str, tuple[tuple[str, Node], ...]]:
        found: dict[str, list[tuple[str, Node]]] = {}
        for edge in self.edges:
            found.setdefault(edge.source, []).append((edge.role, self.nodes[edge.target]))
        return {key: tuple(items) for key, items in found.items()}

    def inputs_of(self, key: str) -> tuple[tuple[str, Node], ...]:
        """What a node read, as (role, node), by role."""
        return self._inputs.get(key, ())

    def ordered(self) -> tuple[Node, ...]:
        """All nodes, each after what it read; the same order each time.

        Raises:
            UserError: records name each other in a circle, as no run leaves them.
        """
        needs = {key: [node.key for _, node in self.inputs_of(key)] for key in self.nodes}
        try:
            return tuple(self.nodes[key] for key in TopologicalSorter(needs).static_order())
        except CycleError as error:
            labels = " <- ".join(self.nodes[key].label for key in error.args[1])
            raise UserError(
                f"these records name each other in a circle: {labels}; one was changed, see msm "
                "audit"
            ) from None

    def missing(self) -> tuple[Node, ...]:
        """The nodes whose files, or whose record, were found nowhere."""
        return tuple(node for node in self.nodes.values() if not node.found)

    def tops(self) -> tuple[Node, ...]:
        """The root, then whatever else nothing here read, as the evidence of a model version."""
        read = {edge.target for edge in self.edges}
        rest = (node for key, node in self.nodes.items() if key not in read and key != self.root)
        return (self.nodes[self.root], *rest)

    def joined(self, others: Iterable[Lineage]) -> Lineage:
        """This one's root, over the nodes and edges of all."""
        nodes, edges = dict(self.nodes), dict.fromkeys(self.edges)
        for other in others:
            nodes |= {key: node for key, node in other.nodes.items() if key not in nodes}
            edges |= dict.fromkeys(other.edges)
        return Lineage(self.root, nodes, tuple(edges))
