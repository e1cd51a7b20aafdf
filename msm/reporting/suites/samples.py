"""What all suites found, aligned: for each suite and measure, arms by seeds by items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from msm.evals.measurement import Measure
from msm.evals.statistics import Floats, Whole
from msm.reporting.scores import ArmKey

START = "start"  # the arm without any training


@dataclass(frozen=True)
class ArmSamples:
    """One arm's samples of one measure, as [seed, item]: sums of values, and counts.

    ``reasons`` says why samples have no value, and how often.
    """

    seeds: tuple[int, ...]
    total: Floats
    graded: Whole
    ungraded: Whole
    reasons: Mapping[str, int]

    def of(self, seeds: Sequence[int]) -> ArmSamples:
        """The given seeds alone, in that order."""
        rows = [self.seeds.index(seed) for seed in seeds]
        return ArmSamples(
            tuple(seeds), self.total[rows], self.graded[rows], self.ungraded[rows], self.reasons
        )

    def repeated(self, seeds: Sequence[int]) -> ArmSamples:
        """The first seed's samples as those of every given seed: for an arm that has no seed."""
        rows = [0] * len(seeds)
        return ArmSamples(
            tuple(seeds), self.total[rows], self.graded[rows], self.ungraded[rows], self.reasons
        )


@dataclass(frozen=True)
class MeasureSamples:
    """One measure of one suite; ``clusters`` holds each item's cluster, ``items`` are sorted."""

    suite: str
    measure: Measure
    items: tuple[str, ...]
    clusters: tuple[str, ...]
    arms: Mapping[ArmKey, ArmSamples]

    @property
    def name(self) -> str:
        """``suite measure``, for a person."""
        return f"{self.suite} {self.measure.name}"

    @property
    def domains(self) -> dict[str, str]:
        """The cluster of each item."""
        return dict(zip(self.items, self.clusters, strict=True))


@dataclass(frozen=True)
class SuiteFolder:
    """One folder of measurements: whose it is, and how it was made.

    ``name`` is its output's name; ``checkpoint`` is the identity of the checkpoint that was
    measured; identities are empty where no record tells them.
    """

    name: str
    suite: str
    key: ArmKey
    seed: int
    identity: str
    checkpoint: str
    judge: str
    settings: Mapping[str, Any]
    logs: bool
    rows: int


@dataclass(frozen=True)
class Missing:
    """Something that the report should show and cannot, and why."""

    what: str
    why: str


@dataclass(frozen=True)
class Suites:
    """All measurements of an experiment, in the order in which the report shows them."""

    names: tuple[str, ...]
    arms: tuple[ArmKey, ...]
    measures: tuple[MeasureSamples, ...]
    folders: tuple[SuiteFolder, ...]
    missing: tuple[Missing, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        """Every seed that any trained arm was run with."""
        trained = {folder.seed for folder in self.folders if folder.key.arm != START}
        return tuple(sorted(trained or {folder.seed for folder in self.folders}))

    @property
    def rows(self) -> int:
        """How many measurements there are."""
        return sum(folder.rows for folder in self.folders)

    def find(self, suite: str, measure: str) -> MeasureSamples | None:
        """One measure, or None if no folder has it."""
        return next(
            (m for m in self.measures if (m.suite, m.measure.name) == (suite, measure)), None
        )

    def resolve(self, written: str) -> ArmKey | None:
        """The arm that ``arm`` or ``arm:spec`` names; ``arm`` alone if it read but one spec."""
        arm, _, spec = written.partition(":")
        named = [key for key in self.arms if key.arm == arm]
        exact = ArmKey(arm, spec)
        if exact in named:
            return exact
        return named[0] if not spec and len(named) == 1 else None


def shared_seeds(arms: Mapping[ArmKey, ArmSamples], keys: Sequence[ArmKey]) -> tuple[int, ...]:
    """The seeds in which all these arms can be compared; an untrained arm goes with any."""
    trained = [set(arms[key].seeds) for key in keys if key.arm != START]
    if not trained:
        return arms[keys[0]].seeds[:1]
    return tuple(sorted(set.intersection(*trained)))


def on_seeds(arms: Mapping[ArmKey, ArmSamples], key: ArmKey, seeds: Sequence[int]) -> ArmSamples:
    """An arm's samples on these seeds; an untrained arm may have one set that stands for each."""
    has_all = set(seeds) <= set(arms[key].seeds)
    return arms[key].of(seeds) if has_all else arms[key].repeated(seeds)


def means(samples: ArmSamples, used: np.ndarray) -> Floats:
    """The mean of each used item's values in each seed."""
    values: Floats = samples.total[:, used] / samples.graded[:, used]
    return values


def gathered(seeds: Sequence[int], items: int) -> tuple[Floats, Whole, Whole]:
    """Room for sums, graded and ungraded counts."""
    shape = len(seeds), items
    return (
        np.zeros(shape, dtype=np.float64),
        np.zeros(shape, dtype=np.int64),
        np.zeros(shape, dtype=np.int64),
    )
