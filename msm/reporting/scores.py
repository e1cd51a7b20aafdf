"""The scores of an experiment as arrays: arm, seed and item aligned, so that arms pair by item."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from msm.configs import ArmResult
from msm.errors import UserError
from msm.evals.items import IN_DOMAIN, Suite
from msm.evals.statistics import Floats
from msm.jsonl import read_shards
from msm.record import read_record

OWN, OTHER = "own", "other"
FRAMES = (OWN, OTHER)


class ArmKey(NamedTuple):
    """An arm read on one spec (empty without documents)."""

    arm: str
    spec: str

    def __str__(self) -> str:
        return f"{self.arm}:{self.spec}" if self.spec else self.arm


@dataclass(frozen=True)
class Layout:
    """The items of one axis, in the order of every array; ``spec`` is empty for in-domain items."""

    axis: str
    spec: str
    clusters: NDArray[np.intp]

    @property
    def cluster_count(self) -> int:
        """How many clusters the items form."""
        return int(self.clusters.max()) + 1


@dataclass(frozen=True)
class ArmScores:
    """One arm's scores in nats: ``values[axis, frame][seed, item]``, seeds in the order given."""

    seeds: tuple[int, ...]
    values: Mapping[tuple[str, str], Floats]

    def of(self, axis: str, frame: str, seeds: Sequence[int]) -> Floats:
        """Rows of the given seeds, one column an item."""
        return self.values[axis, frame][[self.seeds.index(seed) for seed in seeds]]


@dataclass(frozen=True)
class Source:
    """Where a set of scores comes from: its input role and the identity of its record, if any."""

    role: str
    key: ArmKey
    seed: int
    identity: str


@dataclass(frozen=True)
class Scores:
    """All scores of an experiment. ``in_domain`` is None where no in-domain items were scored."""

    axes: tuple[Layout, ...]
    in_domain: Layout | None
    arms: Mapping[ArmKey, ArmScores]
    sources: tuple[Source, ...]
    rows: int

    @property
    def seeds(self) -> tuple[int, ...]:
        """Every seed that any arm was run with."""
        return tuple(sorted({source.seed for source in self.sources}))


_Place = tuple[str, str, str]  # cluster, toward, away: an item without its frame


def load_scores(
    suite: Suite, results: Mapping[str, ArmResult], inputs: Mapping[str, Path]
) -> Scores:
    """Read every score folder and align its items with the suite.

    Raises:
        UserError: a folder is missing, lacks an item, holds a score that is no number, or stands
            for the same arm, spec and seed as another.
    """
    if not results:
        raise UserError("the report has no scores to compare; evaluate at least one arm")
    places: dict[str, list[_Place]] = {}
    for axis in suite.axes:
        items = [item for item in suite.items() if item.axis == axis.name]
        places[axis.name] = list(dict.fromkeys((i.cluster, i.toward, i.away) for i in items))
    grouped: dict[ArmKey, dict[int, Mapping[tuple[str, str], list[float]]]] = {}
    sources: list[Source] = []
    count = 0
    for role, result in results.items():
        if role not in inputs:
            raise UserError(f"no scores were given for '{role}'; evaluate it first")
        key = ArmKey(result.arm, result.spec)
        if result.seed in grouped.setdefault(key, {}):
            raise UserError(f"'{role}' is a second set of scores for {key}, seed {result.seed}")
        rows = read_shards(inputs[role], "scores")
        if not places.get(IN_DOMAIN):
            places[IN_DOMAIN] = _in_domain_places(rows)
        grouped[key][result.seed] = _aligned(rows, places, str(inputs[role]))
        record = read_record(inputs[role])
        sources.append(Source(role, key, result.seed, record.identity if record else ""))
        count += len(rows)
    arms = {}
    for key, by_seed in grouped.items():
        seeds = tuple(sorted(by_seed))
        cells = by_seed[seeds[0]]
        arms[key] = ArmScores(
            seeds, {cell: np.array([by_seed[seed][cell] for seed in seeds]) for cell in cells}
        )
    cheese = places.pop(IN_DOMAIN)
    specs = {axis.name: axis.spec for axis in suite.axes}
    return Scores(
        axes=tuple(_layout(name, specs[name], found) for name, found in places.items()),
        in_domain=_layout(IN_DOMAIN, "", cheese) if cheese else None,
        arms=arms,
        sources=tuple(sources),
        rows=count,
    )


def _in_domain_places(rows: Sequence[Mapping[str, Any]]) -> list[_Place]:
    return list(dict.fromkeys(_place(row) for row in rows if row["axis"] == IN_DOMAIN))


def _place(row: Mapping[str, Any]) -> _Place:
    return row["cluster"], row["toward"], row["away"]


def _aligned(
    rows: Sequence[Mapping[str, Any]], places: Mapping[str, Sequence[_Place]], where: str
) -> dict[tuple[str, str], list[float]]:
    """Scores by axis and frame, in the order of the places."""
    found: dict[tuple[str, str, _Place], float] = {}
    for row in rows:
        score = row["score"]
        if not isinstance(score, int | float) or not math.isfinite(score):
            raise UserError(f"{where}: item '{row['id']}' has the score {score}; evaluate it again")
        found[row["axis"], row["frame"], _place(row)] = float(score)
    try:
        return {
            (axis, frame): [found[axis, frame, place] for place in wanted]
            for axis, wanted in places.items()
            for frame in FRAMES
        }
    except KeyError as error:
        axis, frame, place = error.args[0]
        raise UserError(
            f"{where} holds no score of {axis}, frame '{frame}': {place[1]} / {place[2]}; "
            "it was made with another suite, so evaluate it again"
        ) from None


def _layout(axis: str, spec: str, places: Sequence[_Place]) -> Layout:
    names = list(dict.fromkeys(cluster for cluster, _, _ in places))
    numbers = {name: number for number, name in enumerate(names)}
    return Layout(axis, spec, np.array([numbers[place[0]] for place in places], dtype=np.intp))
