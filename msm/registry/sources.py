"""What the stage reads: the records of an experiment's outputs, and how they hang together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from msm.configs import ArmResult, RegisterConfig, SuiteResult
from msm.errors import UserError
from msm.evals.items import read_suite
from msm.identity import digest_path
from msm.jsonl import read_shards
from msm.record import Record, read_record
from msm.registry.tracker import Subject
from msm.task import arm_label

SUITE = "suite"  # the input role of the file of word pairs
PAIRS = "pairs"
SPEC = "spec"
STAGES = {"scores": "evaluate", "suite": "evaluate", "checkpoint": "train"}


@dataclass(frozen=True)
class Source:
    """An output folder with its record."""

    subject: Subject
    folder: Path
    record: Record

    @property
    def started(self) -> int:
        """When the work on it began, in milliseconds."""
        return round(datetime.fromisoformat(self.record.started).timestamp() * 1000)

    @property
    def ended(self) -> int:
        """When it was done, in milliseconds."""
        return self.started + round(self.record.seconds * 1000)

    @property
    def commit(self) -> str:
        """The git commit it was made at, marked if the tree was dirty; empty if unknown."""
        commit = self.record.code.get("commit") or ""
        return f"{commit}-dirty" if commit and self.record.code.get("dirty") else commit


@dataclass(frozen=True)
class Scores:
    """A set of scores with its mean for each axis and frame."""

    source: Source
    means: Mapping[tuple[str, str], float]


@dataclass(frozen=True)
class Measured:
    """A folder of a suite's measurements, and whose they are."""

    source: Source
    result: SuiteResult


@dataclass(frozen=True)
class Checkpoint:
    """A training output: whose it is, what it continued, and what was measured of it, if anything.

    ``measured`` is by the suites' names.
    """

    source: Source
    result: ArmResult
    continued: str | None
    scores: Scores | None
    measured: Mapping[str, Measured] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """The step at which the checkpoint was taken: its last; 0 if the record tells none."""
        return int(self.source.record.outcome.summary.get("steps") or 0)

    @property
    def evaluations(self) -> Mapping[str, Source]:
        """All outputs of ``evaluate`` on it, by suite; those on word pairs by ``pairs``."""
        pairs = {PAIRS: self.scores.source} if self.scores else {}
        return {**pairs, **{suite: found.source for suite, found in self.measured.items()}}


@dataclass(frozen=True)
class Text:
    """A spec's file, with its content digest."""

    path: Path
    digest: str


@dataclass(frozen=True)
class Sources:
    """All inputs. ``checkpoints`` come after those that they continue; ``data`` is by identity."""

    report: Source
    checkpoints: Mapping[str, Checkpoint]
    data: Mapping[str, Source]
    axis_of: Mapping[str, str]
    specs: Mapping[str, Text] = field(default_factory=dict)


def read_sources(config: RegisterConfig, inputs: Mapping[str, Path]) -> Sources:
    """Read the records of all inputs.

    Raises:
        UserError: an input is missing or has no record, or the suite is no longer there.
    """
    report = _source("report", config.experiment, _given(inputs, "report"))
    by_role: dict[str, dict[str, Source]] = {}
    specs: dict[str, Text] = {}
    for role, path in inputs.items():
        kind, colon, name = role.partition(":")
        if kind == SPEC:
            specs[name] = Text(path, digest_path(path))
        elif colon:
            by_role.setdefault(kind, {})[name] = _source(STAGES.get(kind, kind), name, path)
    trained = by_role.get("checkpoint", {})
    for name in config.results:
        _given(inputs, f"checkpoint:{name}")
    scores = {name: _scores(source) for name, source in by_role.get("scores", {}).items()}
    names = {source.subject.identity: name for name, source in trained.items()}
    checkpoints: dict[str, Checkpoint] = {}
    for name in sorted(config.results, key=lambda name: (_depth(name, trained, names), name)):
        continued = trained[name].record.inputs.get("checkpoint")
        checkpoints[name] = Checkpoint(
            source=trained[name],
            result=config.results[name],
            continued=names.get(continued.identity or "") if continued else None,
            scores=scores.get(name),
            measured=_measured(name, config.suites, by_role.get(SUITE, {})),
        )
    data = [
        source for kind in ("curate", "demonstrate") for source in by_role.get(kind, {}).values()
    ]
    return Sources(
        report=report,
        checkpoints=checkpoints,
        data={source.subject.identity: source for source in data},
        axis_of=_axis_of(inputs, report),
        specs=specs,
    )


def _measured(
    name: str, results: Mapping[str, SuiteResult], folders: Mapping[str, Source]
) -> dict[str, Measured]:
    """What the suites found of the checkpoint ``name``, which bears its arm's label."""
    return {
        result.suite: Measured(folders[role], result)
        for role, result in results.items()
        if arm_label(result.arm, result.spec, result.seed) == name and role in folders
    }


def _given(inputs: Mapping[str, Path], role: str) -> Path:
    if role not in inputs:
        raise UserError(f"register: no input '{role}' was given; run the stage that makes it first")
    return inputs[role]


def _source(stage: str, name: str, folder: Path) -> Source:
    record = read_record(folder)
    if record is None:
        raise UserError(f"{folder} has no record, so nothing says what it is; make it again")
    return Source(Subject(stage, name, record.identity, record.digest), folder, record)


def _scores(source: Source) -> Scores:
    grouped: dict[tuple[str, str], list[float]] = {}
    for row in read_shards(source.folder, "scores"):
        grouped.setdefault((row["axis"], row["frame"]), []).append(float(row["score"]))
    means = {cell: round(sum(found) / len(found), 6) for cell, found in sorted(grouped.items())}
    return Scores(source, means)


def _depth(name: str, trained: Mapping[str, Source], names: Mapping[str, str]) -> int:
    """How many checkpoints lie before this one."""
    before = trained[name].record.inputs.get("checkpoint")
    known = names.get(before.identity or "") if before else None
    return 1 + _depth(known, trained, names) if known else 0


def _axis_of(inputs: Mapping[str, Path], report: Source) -> dict[str, str]:
    """The axis that belongs to each spec, from the suite that the report was made with."""
    if SUITE not in inputs:
        return {}
    path = inputs[SUITE]
    recorded = report.record.inputs.get(SUITE)
    if recorded is not None and digest_path(path) != recorded.digest:
        raise UserError(
            f"report {report.folder} was made with another suite than {path}; make it again"
        )
    return {axis.spec: axis.name for axis in read_suite(path).axes}


def flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, with dotted keys."""
    if not isinstance(value, Mapping):
        return {prefix: value}
    flat: dict[str, Any] = {}
    for key, item in value.items():
        flat |= flatten(item, f"{prefix}.{key}" if prefix else str(key))
    return flat
