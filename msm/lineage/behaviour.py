"""Whether two students do the same, item by item: paired scores, and a test of equivalence.

The unit is the cluster of items, as in every interval of this project. Two runs behave alike in a
measure if the intervals of their means overlap and two one-sided t-tests on the paired differences
(Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 1987) say at 5 % that the mean
difference lies within a margin.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msm.evals.found import MEASUREMENTS, MEASURES_FILE
from msm.evals.measurement import Unit
from msm.jsonl import read_shards
from msm.registry.evidence import read_evidence

LEVEL = 0.05
# What would matter. 0.1 nats move the odds between two options by a tenth; a rate by 5 points; a
# judge's score, from 1 to 10, by half a point.
MARGINS: Mapping[str, float] = {Unit.NATS: 0.1, Unit.SHARE: 0.05, Unit.SCORE: 0.5}

Values = Mapping[str, Mapping[str, float]]  # by cluster, then item
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Behaviour:
    """One measure in two runs: means with 95 % intervals, and what the test of equivalence says.

    ``p`` is that of the two one-sided tests, 0 where the runs agree in every item; None where
    there is no test, as for contrasts. ``margin`` is in the measure's unit.
    """

    name: str
    before: tuple[float, float, float]
    after: tuple[float, float, float]
    overlap: bool
    margin: float | None
    p: float | None
    holds: bool


def compare_behaviour(before: Path | None, after: Path | None) -> tuple[Behaviour, ...]:
    """Compare what ``evaluate`` left in two folders, measure by measure; none if it left nothing.

    A measure that only one of them has does not hold.
    """
    if before is None or after is None:
        return ()
    first, second = _measures(before), _measures(after)
    units = _units(before)
    return tuple(
        _compare(name, first.get(name, {}), second.get(name, {}), units.get(name, Unit.NATS))
        for name in sorted({**first, **second})
    )


def compare_contrasts(before: Path | None, after: Path | None) -> tuple[Behaviour, ...]:
    """Compare the contrasts of two reports: their intervals, and whether each holds the other's
    estimate."""
    if before is None or after is None:
        return ()
    known = {item.key: item for item in read_evidence(after).contrasts}
    found = []
    for item in read_evidence(before).contrasts:
        other = known.get(item.key)
        if other is None:
            continue
        one, two = ((c.estimate, c.low, c.high) for c in (item, other))
        inside = one[1] <= two[0] <= one[2] and two[1] <= one[0] <= two[2]
        found.append(Behaviour(item.key, one, two, _overlap(one, two), None, None, inside))
    return tuple(found)


def _measures(folder: Path) -> dict[str, Values]:
    """The values of each measure; of word pairs, each axis in each frame is one."""
    found: dict[str, dict[str, dict[str, list[float]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    for row in read_shards(folder, "scores"):
        place = found[f"{row['axis']}, {row['frame']} frame"][str(row["cluster"])]
        place[str(row["id"])].append(float(row["score"]))
    for row in read_shards(folder, MEASUREMENTS):
        if row["value"] is not None:
            place = found[str(row["measure"])][str(row["cluster"])]
            place[str(row["item"])].append(float(row["value"]))
    return {
        name: {
            cluster: {item: float(np.mean(values)) for item, values in items.items()}
            for cluster, items in clusters.items()
        }
        for name, clusters in found.items()
    }


def _units(folder: Path) -> Mapping[str, Unit]:
    """The unit of each measure of a suite."""
    path = folder / MEASURES_FILE
    if not path.is_file():
        return {}
    measures = json.loads(path.read_text(encoding="utf-8"))["measures"]
    return {measure["name"]: Unit(measure["unit"]) for measure in measures}


def _compare(name: str, first: Values, second: Values, unit: Unit) -> Behaviour:
    paired = [
        np.mean([second[cluster][item] - first[cluster][item] for item in items])
        for cluster in sorted(set(first) & set(second))
        if (items := sorted(set(first[cluster]) & set(second[cluster])))
    ]
    one, two = _mean(first), _mean(second)
    margin = MARGINS[unit]
    p = _equivalence(np.array(paired), margin)
    overlap = _overlap(one, two)
    return Behaviour(name, one, two, overlap, margin, p, overlap and p < LEVEL)


def _equivalence(differences: Floats, margin: float) -> float:
    """p of two one-sided t-tests that the mean lies within ±margin; 1 where nothing can be said."""
    from statsmodels.stats.weightstats import DescrStatsW

    if differences.size == 0:
        return 1.0
    if np.ptp(differences) == 0:  # no spread, so no t: the mean is known
        return 0.0 if abs(differences[0]) < margin else 1.0
    return float(DescrStatsW(differences).ttost_mean(-margin, margin)[0])


def _mean(values: Values) -> tuple[float, float, float]:
    """Mean over clusters, with its 95 % t-interval."""
    from scipy import stats

    means = np.array([np.mean(list(items.values())) for items in values.values()])
    if means.size == 0:
        return (float("nan"),) * 3
    mean = float(np.mean(means))
    if means.size == 1 or np.ptp(means) == 0:
        return mean, mean, mean
    low, high = stats.t.interval(0.95, means.size - 1, mean, stats.sem(means))
    return mean, float(low), float(high)


def _overlap(one: Iterable[float], two: Iterable[float]) -> bool:
    _, low, high = one
    _, other_low, other_high = two
    return low <= other_high and other_low <= high
