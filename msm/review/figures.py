"""The report's figures of one arm, as the gates read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from msm.configs import ArmResult
from msm.errors import UserError
from msm.evals.measurement import Better, Role
from msm.identity import digest_path
from msm.record import Record, read_record
from msm.registry.evidence import read_evidence
from msm.reporting.scores import ArmKey
from msm.reporting.suites.comparisons import WORD_PAIRS, Kind
from msm.table import read_table


@dataclass(frozen=True)
class Figure:
    """An interval with what it rests on: graded samples, or the items of a comparison; seeds."""

    name: str
    low: float
    high: float
    samples: int
    seeds: int

    @property
    def told(self) -> str:
        """The interval, as a table shows it."""
        return f"[{self.low:.4g}, {self.high:.4g}]"


@dataclass(frozen=True)
class LevelRow:
    """A row of ``suites.csv``; ``figure`` is None where nothing was measured."""

    suite: str
    measure: str
    role: Role
    better: Better
    figure: Figure | None
    graded: int
    ungraded: int
    seeds: int


@dataclass(frozen=True)
class Figures:
    """All that a report says of an arm, and the contrasts of the recipe."""

    report: Record
    levels: tuple[LevelRow, ...]
    from_start: Mapping[tuple[str, str], Figure]
    contrasts: Mapping[str, Figure]
    pair_seeds: tuple[int, ...]

    def level(self, suite: str, measure: str) -> LevelRow | None:
        """The row of a measure."""
        found = (row for row in self.levels if (row.suite, row.measure) == (suite, measure))
        return next(found, None)

    @property
    def main(self) -> tuple[LevelRow, ...]:
        """The rows of main measures."""
        return tuple(row for row in self.levels if row.role is Role.MAIN)


def read_figures(report: Path, result: ArmResult) -> Figures:
    """Read a report folder, for one arm on one spec.

    Raises:
        UserError: it has no record, is not what its record says, or cannot be read.
    """
    record = read_record(report)
    if record is None or digest_path(report) != record.digest:
        raise UserError(
            "the report that MLflow keeps is not what its record says; register the candidate again"
        )
    evidence = read_evidence(report)
    key = str(ArmKey(result.arm, result.spec))
    table = report / "comparisons.csv"
    try:
        rows = read_table(table) if table.exists() else []
        compared = [row for row in rows if row["suite"] != WORD_PAIRS]
        return Figures(
            report=record,
            levels=tuple(_level(row) for row in evidence.suites_of(result)),
            from_start={
                (row["suite"], row["measure"]): _compared(row)
                for row in compared
                if row["kind"] == Kind.START and row["comparison"].startswith(f"{key} less ")
            },
            contrasts={
                **{
                    row["comparison"]: _compared(row)
                    for row in compared
                    if row["kind"] == Kind.CONTRAST
                },
                **_pair_contrasts(report),
            },
            pair_seeds=tuple(int(row["seeds"]) for row in evidence.of(result)),
        )
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"the report's tables cannot be read ({error}); make it again") from None


def _level(row: Mapping[str, str]) -> LevelRow:
    name = f"{row['suite']} {row['measure']}"
    seeds = len([seed for seed in row["seeds"].split(";") if seed])
    graded = int(row["graded"])
    measured = row["low"] and row["high"]
    figure = (
        Figure(name, float(row["low"]), float(row["high"]), graded, seeds) if measured else None
    )
    return LevelRow(
        suite=row["suite"],
        measure=row["measure"],
        role=Role(row["role"]),
        better=Better(row["better"]),
        figure=figure,
        graded=graded,
        ungraded=int(row["ungraded"]),
        seeds=seeds,
    )


def _compared(row: Mapping[str, str]) -> Figure:
    return Figure(
        row["comparison"],
        float(row["low"]),
        float(row["high"]),
        int(row["items"]),
        int(row["seeds"]),
    )


def _pair_contrasts(report: Path) -> dict[str, Figure]:
    """Of the word pairs, over all axes."""
    return {
        row["contrast"]: Figure(
            row["contrast"],
            float(row["low"]),
            float(row["high"]),
            int(row["items"]),
            int(row["seeds"]),
        )
        for row in reversed(read_table(report / "contrasts.csv"))
        if row["axis"] == "all axes"
    }
