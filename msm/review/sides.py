"""Two versions side by side: figures with intervals, and what differs in what they were made of."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from msm.configs import ArmResult
from msm.evals.measurement import Role, Unit
from msm.registry.evidence import Evidence, pairs_and_seeds
from msm.registry.review_sources import Made

LONGEST_DIFF = 2000  # lines of a spec's diff; what is longer is another spec
_INPUT = "msm.input."
_TOLD = (
    ("msm.experiment", "experiment"),
    ("msm.arm", "arm"),
    ("msm.spec", "spec"),
    ("msm.seed", "seed"),
    ("msm.start", "start model"),
    ("msm.spec.digest", "spec, content"),
    ("msm.report", "report"),
    ("msm.commit", "commit"),
    ("msm.dvc.revision", "DVC revision"),
)


@dataclass(frozen=True)
class Cell:
    """A figure with the ends of its 95 % interval, None where there is none; in ``unit``."""

    value: float
    low: float | None
    high: float | None
    unit: str
    samples: str = ""


@dataclass(frozen=True)
class FigureRow:
    """One figure of the candidate and of the champion; either may lack it."""

    group: str
    name: str
    better: str
    candidate: Cell | None
    champion: Cell | None

    @property
    def reading(self) -> str:
        """What two intervals by themselves say; a difference that is tested stands in a report."""
        one, two = self.candidate, self.champion
        if one is None or two is None or None in (one.low, one.high, two.low, two.high):
            return ""
        assert one.low is not None and one.high is not None
        assert two.low is not None and two.high is not None
        if one.low > two.high:
            return _side("higher", self.better)
        if one.high < two.low:
            return _side("lower", self.better)
        return "intervals overlap"


@dataclass(frozen=True)
class Change:
    """A setting or a digest that differs; "" where one has none."""

    name: str
    candidate: str
    champion: str


@dataclass(frozen=True)
class SpecDiff:
    """A unified diff from the champion's spec to the candidate's; ``lines`` with their sign."""

    candidate: str
    champion: str
    lines: tuple[str, ...] = field(default=())


def figure_rows(
    candidate: tuple[Evidence, ArmResult], champion: tuple[Evidence, ArmResult] | None
) -> tuple[FigureRow, ...]:
    """All figures of the candidate's arm, with the champion's beside them; then the champion's own.

    Main measures first, those of health last; contrasts are of a whole experiment.
    """
    ours = _cells(*candidate)
    theirs = _cells(*champion) if champion else {}
    keys = [*ours, *(key for key in theirs if key not in ours)]
    return tuple(
        FigureRow(
            group,
            name,
            (ours.get((group, name)) or theirs[group, name])[1],
            ours[group, name][0] if (group, name) in ours else None,
            theirs[group, name][0] if (group, name) in theirs else None,
        )
        for group, name in keys
    )


def changes(candidate: Made, champion: Made) -> tuple[Change, ...]:
    """Everything that differs in what the two were made of: origin, data, settings."""
    return tuple(
        Change(name, one, two)
        for name, one, two in (*_origins(candidate, champion), *_settings(candidate, champion))
        if one != two
    )


def spec_diff(candidate: Made, champion: Made) -> SpecDiff | None:
    """How the spec's text differs; None where it does not, or where one has no text."""
    if not candidate.spec or not champion.spec or candidate.spec == champion.spec:
        return None
    lines = difflib.unified_diff(
        champion.spec.splitlines(),
        candidate.spec.splitlines(),
        f"champion: {champion.spec_name}",
        f"candidate: {candidate.spec_name}",
        lineterm="",
        n=2,
    )
    return SpecDiff(candidate.spec_name, champion.spec_name, tuple(lines)[:LONGEST_DIFF])


def _cells(evidence: Evidence, result: ArmResult) -> dict[tuple[str, str], tuple[Cell, str]]:
    found: dict[tuple[str, str], tuple[Cell, str]] = {}
    order = {Role.MAIN: 0, Role.DETAIL: 1, Role.HEALTH: 2}
    rows = sorted(evidence.suites_of(result), key=lambda row: order[Role(row["role"])])
    for row in rows:
        if row["value"]:
            cell = Cell(
                float(row["value"]),
                float(row["low"]) if row["low"] else None,
                float(row["high"]) if row["high"] else None,
                row["unit"],
                f"{row['graded']} graded, {row['ungraded']} not",
            )
            found[f"{row['suite']} · {row['role']}", row["measure"]] = cell, row["better"]
    for row in evidence.of(result):
        low, high = float(row["low"]), float(row["high"])
        mean = Cell(float(row["mean"]), low, high, Unit.NATS, pairs_and_seeds(row))
        found["word pairs", f"{row['axis']}, {row['frame']} frame"] = mean, "neither"
    for item in evidence.contrasts:
        cell = Cell(item.estimate, item.low, item.high, Unit.NATS, item.samples)
        label = f"{item.label}{' (headline)' if item.headline else ''}"
        found["contrasts of the experiment", label] = cell, "neither"
    return found


def _side(way: str, better: str) -> str:
    if better not in ("higher", "lower"):
        return way
    return f"{way}, better" if way == better else f"{way}, worse"


def _origins(candidate: Made, champion: Made) -> Iterator[tuple[str, str, str]]:
    for tag, name in _TOLD:
        yield name, candidate.tags.get(tag, ""), champion.tags.get(tag, "")
    inputs = {tag for tag in (*candidate.tags, *champion.tags) if tag.startswith(_INPUT)}
    for tag in sorted(inputs):
        name = f"content of {tag.removeprefix(_INPUT)}"
        yield name, candidate.tags.get(tag, ""), champion.tags.get(tag, "")


def _settings(candidate: Made, champion: Made) -> Iterator[tuple[str, str, str]]:
    known: Mapping[str, None] = dict.fromkeys((*candidate.params, *champion.params))
    for key in sorted(known):
        if not key.startswith("outcome."):  # what came out, not what was asked for
            yield key, candidate.params.get(key, ""), champion.params.get(key, "")
