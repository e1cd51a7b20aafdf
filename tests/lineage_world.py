"""A made-up experiment of five stages for the tests of lineage: real records, tiny contents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from msm.execution import Execution
from msm.parts import StageConfig
from msm.record import Outcome, Record, read_record
from msm.stage import StageDefinition, run_stage

SPEC, ITEMS = "specs/kind.md", "evals/items.yaml"


class TextConfig(StageConfig):
    """A stage that writes one text."""

    text: str
    seed: int = 1


@dataclass(frozen=True)
class Chain:
    """A workspace with one experiment, ``kind``: spec and items, and an output of each stage."""

    root: Path
    records: Mapping[str, Record]

    def folder(self, label: str, experiment: str = "kind") -> Path:
        return self.root / "outputs" / experiment / label

    def identity(self, label: str) -> str:
        return self.records[label].identity


def make_output(
    out: Path, inputs: Mapping[str, Path], text: str = "", store: str = "", cost: float = 0.25
) -> Record:
    """Run a stage, named as the folder above ``out``, that writes ``text`` (or its own name)."""

    def body(
        config: TextConfig, inputs: Mapping[str, Path], out: Path, execution: Execution
    ) -> Outcome:
        (out / "text").write_text(config.text)
        return Outcome(rows_in=2, rows_out=1, dropped={"near duplicate": 1}, tokens=7, cost=cost)

    definition = StageDefinition(out.parent.name, 1, lambda: body)
    config = TextConfig(text=text or f"{out.parent.name}/{out.name}")
    record, _ = run_stage(definition, config, inputs, out, Execution(store=store))
    return record


def make_chain(root: Path, store: str = "") -> Chain:
    """Spec -> plan -> write -> curate (with items) -> train (with a student) -> evaluate."""
    for name in (SPEC, ITEMS):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"content of {name}")
    student = root / "student"
    student.mkdir()
    (student / "config.json").write_text("{}")
    outputs = root / "outputs" / "kind"
    spec, items = root / SPEC, root / ITEMS
    inputs: dict[str, dict[str, Path]] = {
        "plan/kind-s1": {"spec": spec},
        "write/kind-s1": {"spec": spec, "plan": outputs / "plan/kind-s1"},
        "curate/kind-s1": {"documents": outputs / "write/kind-s1", "suite": items},
        "train/msm-kind-s1": {"student": student, "corpus": outputs / "curate/kind-s1"},
        "evaluate/msm-kind-s1": {
            "student": student,
            "checkpoint": outputs / "train/msm-kind-s1",
            "suite": items,
        },
    }
    made = {
        label: make_output(outputs / label, read, store=store) for label, read in inputs.items()
    }
    return Chain(root, made)


def change_record(folder: Path, **changes: object) -> None:
    """Write other values into a record, as somebody who tampers with it would."""
    path = folder / "record.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**record, **changes}), encoding="utf-8")


def record_of(folder: Path) -> Record:
    record = read_record(folder)
    assert record is not None
    return record
