"""What a rerun makes: which outputs of a lineage, from which recipe and commit."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from msm.errors import UserError
from msm.identity import digest_file
from msm.lineage.graph import Lineage, Node, NodeKind
from msm.recipe_file import each_path
from msm.record import Record
from msm.task import Stage


@dataclass(frozen=True)
class Step:
    """One output: its node in the lineage, ``stage/name``, and the labels it is made of by role."""

    node: Node
    record: Record
    label: str
    inputs: Mapping[str, str]
    made: bool
    """Whether it is made again, and not taken as it is."""

    @property
    def stage(self) -> Stage:
        """Its stage."""
        return Stage(self.record.stage)

    @property
    def name(self) -> str:
        """Its name within the stage."""
        return self.label.partition("/")[2]


@dataclass(frozen=True)
class Plan:
    """The steps in order; the recipe, with paths as recorded, and digests of its files."""

    commit: str
    recipe: Mapping[str, Any]
    files: Mapping[str, str]
    steps: tuple[Step, ...]
    notes: tuple[str, ...]

    @property
    def experiment(self) -> str:
        """The recipe's name."""
        return str(self.recipe["name"])


def plan_rerun(lineage: Lineage, first: Stage | None) -> Plan:
    """Which outputs of a lineage are made again, from ``first`` on; all if it is left out.

    An output of whose inputs the lineage follows only some, as a report of one figure, is left out.

    Raises:
        UserError: a record is not there; the root's does not say from which commit and recipe it
            was made.
    """
    nodes = [node for node in lineage.ordered() if node.kind is NodeKind.OUTPUT]
    lost = [node.label for node in nodes if node.record is None]
    if lost:
        raise UserError(f"no record of {', '.join(lost[:3])} was found; fetch it first")
    stages = list(Stage)
    begin = stages.index(first) if first else 0
    steps: dict[str, Step] = {}
    notes = []
    for node in nodes:
        record = node.record
        assert record is not None
        inputs = dict(lineage.inputs_of(node.key))
        if set(inputs) != set(record.inputs):
            notes.append(f"{node.label} is left out: of what it read, only a part was asked for")
            continue
        below = {
            role: steps[other.key].label for role, other in inputs.items() if other.key in steps
        }
        label = str(record.origin.get("task", node.label))
        if label in {step.label for step in steps.values()}:
            raise UserError(f"two outputs of this lineage are called {label}; ask for one of them")
        made = stages.index(Stage(record.stage)) >= begin
        steps[node.key] = Step(node, record, label, below, made)
    if not any(step.made for step in steps.values()):
        raise UserError(f"nothing of this lineage is at or after stage '{first}'")
    root = lineage.nodes[lineage.root].record
    source = next((r for r in (root, *(s.record for s in steps.values())) if r and r.origin), None)
    if source is None or root is None:
        raise UserError(
            "its record names no recipe: an earlier version made it; make it anew, once, or rerun "
            "its recipe by hand at its commit"
        )
    commit = root.code.get("commit")
    if not commit:
        raise UserError("its record names no commit: it was made outside a git repository")
    notes += _notes(root, [step.record for step in steps.values()])
    recipe = yaml.safe_load(source.origin["recipe"])
    recipe["execution"] = dict(root.environment.get("execution", {}))
    return Plan(
        str(commit), recipe, source.origin.get("files", {}), tuple(steps.values()), tuple(notes)
    )


def write_recipe(plan: Plan, source: Path, beside: Path, path: Path) -> None:
    """Write the recipe with every path pointing at the file that it was made with.

    Args:
        plan: its recipe names files by the path they had.
        source: the clone of the commit, where they are looked for first, by path, then by content.
        beside: the workspace of the lineage, for files that were not in git.
        path: where to.

    Raises:
        UserError: a file with that content is nowhere.
    """
    recipe = deepcopy(dict(plan.recipe))
    contents: dict[str, Path] = {}

    def find(name: str) -> str:
        digest = plan.files.get(name)
        if digest is None:  # a folder, as a student's
            return name
        for place in (source / name, Path(name), beside / name):
            if place.is_file() and digest_file(place) == digest:
                return str(place.absolute())
        if not contents:
            contents.update(_by_content(source))
        if digest not in contents:
            raise UserError(
                f"{name} with the content {digest[:12]} is neither in commit {plan.commit[:12]} "
                "nor where it lay; put it back there"
            )
        return str(contents[digest])

    each_path(recipe, find)
    path.write_text(yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _by_content(source: Path) -> dict[str, Path]:
    """The texts of a clone by their digest."""
    listed = subprocess.run(
        ["git", "-C", str(source), "ls-files", "-z", "*.md", "*.yaml", "*.json", "*.jsonl"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    paths = [source / name for name in listed.split("\0") if name]
    return {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in paths if path.is_file()}


def _notes(root: Record, records: list[Record]) -> list[str]:
    """What may keep a rerun from being the same, though nothing is wrong."""
    notes = []
    if any(record.code.get("dirty") for record in records):
        notes.append("made with changes that were not committed; the rerun has the commit alone")
    others = {record.code.get("commit") for record in records} - {root.code.get("commit")}
    if others:
        notes.append(f"parts were made at {len(others)} other commits; the rerun uses the last one")
    return notes
