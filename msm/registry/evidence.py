"""What the report says: contrasts and arms, each figure with its interval."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from msm.configs import ArmResult
from msm.errors import UserError
from msm.reporting.scores import ArmKey
from msm.reporting.tables import BOTH
from msm.suites import SuiteName
from msm.table import read_table

_PLAIN = re.compile(r"[^\w./ -]")  # what MLflow takes in a metric's name
_FIGURES = ("mean", "low", "high", "share_won", "share_low", "share_high")


@dataclass(frozen=True)
class Contrast:
    """A contrast over all axes; ``key`` is its name in ``metrics.json``."""

    key: str
    label: str
    frame: str
    headline: bool
    estimate: float
    low: float
    high: float
    reading: str
    samples: str


@dataclass(frozen=True)
class Evidence:
    """The report's figures: the rows of ``arms.csv`` and, of suites, of two more, as text."""

    contrasts: tuple[Contrast, ...]
    arms: tuple[Mapping[str, str], ...]
    suites: tuple[Mapping[str, str], ...]
    reading: str
    comparisons: tuple[Mapping[str, str], ...] = ()

    def side_effects(self, result: ArmResult) -> Sequence[Mapping[str, str]]:
        """How an arm's general abilities differ from those of others, the start model among them.

        Rows of ``comparisons.csv``, of the suite that measures what nothing was trained for.
        """
        own = f"{ArmKey(result.arm, result.spec)} less "
        return [
            row
            for row in self.comparisons
            if row["suite"] == SuiteName.CAPABILITY and row["comparison"].startswith(own)
        ]

    def of(self, result: ArmResult) -> Sequence[Mapping[str, str]]:
        """The rows of one arm on one spec, over all its seeds."""
        return [row for row in self.arms if (row["arm"], row["spec"]) == (result.arm, result.spec)]

    def suites_of(self, result: ArmResult) -> Sequence[Mapping[str, str]]:
        """What the suites found of one arm on one spec, over all its seeds."""
        own = (result.arm, result.spec)
        return [row for row in self.suites if (row["arm"], row["spec"]) == own]


def pairs_and_seeds(row: Mapping[str, str]) -> str:
    """Over what a row of ``arms.csv`` or ``contrasts.csv`` was measured."""
    return f"{row['pairs']} pairs, {row['seeds']} {'seed' if row['seeds'] == '1' else 'seeds'}"


def read_evidence(report: Path) -> Evidence:
    """Read a report folder.

    Raises:
        UserError: a file of the report is missing or has another form.
    """
    try:
        rows = [r for r in read_table(report / "contrasts.csv") if r["axis"] == BOTH]
        keys = json.loads((report / "metrics.json").read_text(encoding="utf-8"))["contrasts"]
        contrasts = tuple(
            Contrast(
                key=key,
                label=row["contrast"],
                frame=row["frame"],
                headline=row["headline"] == "1",
                estimate=float(row["estimate"]),
                low=float(row["low"]),
                high=float(row["high"]),
                reading=row["reading"],
                samples=pairs_and_seeds(row),
            )
            for key, row in zip(keys, rows, strict=True)
        )
        arms = tuple(read_table(report / "arms.csv"))
        reading = (report / "reading.txt").read_text(encoding="utf-8").strip()
        suites: tuple[Mapping[str, str], ...] = ()
        if (report / "suites.csv").exists():
            suites = tuple(read_table(report / "suites.csv"))
        comparisons: tuple[Mapping[str, str], ...] = ()
        if (report / "comparisons.csv").exists():
            comparisons = tuple(read_table(report / "comparisons.csv"))
        for arm in arms:
            arm_metrics(arm)
        for figure in suites:
            suite_metrics(figure)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"report {report} cannot be read ({error}); make it again") from None
    return Evidence(contrasts, arms, suites, reading, comparisons)


def suite_metrics(row: Mapping[str, str]) -> dict[str, float]:
    """A row of ``suites.csv`` as metrics: ``suite/<suite>/<measure>/value``, ``…/low``, ``…/high``.

    A figure that was not measured is left out.
    """
    place = f"suite/{row['suite']}/{metric_name(row['measure'])}"
    return {f"{place}/{name}": float(row[name]) for name in ("value", "low", "high") if row[name]}


def metric_name(measure: str) -> str:
    """A measure's name as MLflow takes it in a metric's."""
    return _PLAIN.sub("-", measure)


def arm_metrics(row: Mapping[str, str]) -> dict[str, float]:
    """A row of ``arms.csv`` as metrics: ``arm/<axis>/<frame>/mean``, ``…/low`` and so on."""
    place = f"arm/{row['axis']}/{row['frame']}"
    return {f"{place}/{name}": float(row[name]) for name in _FIGURES}


def contrast_metrics(contrast: Contrast) -> dict[str, float]:
    """A contrast as metrics: ``contrast/<key>/estimate``, ``…/low`` and ``…/high``."""
    place = f"contrast/{contrast.key}"
    return {
        f"{place}/estimate": contrast.estimate,
        f"{place}/low": contrast.low,
        f"{place}/high": contrast.high,
    }
