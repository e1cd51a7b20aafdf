"""Everything that the page says of the suites, gathered from the inputs of the stage."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from msm.configs import ArmResult, ReportConfig
from msm.evals.bundle import VIEWER
from msm.evals.measurement import Better, Measure, Role, Unit
from msm.reporting.contrasts import ContrastResult
from msm.reporting.pairs import Pairs
from msm.reporting.reading import Answer
from msm.reporting.scores import ArmKey
from msm.reporting.suites import statements
from msm.reporting.suites.cells import HeatMap, heat_maps
from msm.reporting.suites.comparisons import Comparison, Kind, compare
from msm.reporting.suites.costs import Cost, by_kind, costs, total
from msm.reporting.suites.expected import Beside, beside
from msm.reporting.suites.health import (
    JUDGE_CHECK,
    Judge,
    Ungraded,
    health_levels,
    judges,
    ungraded,
)
from msm.reporting.suites.levels import Level, describe_levels
from msm.reporting.suites.loading import ROLE, load_suites
from msm.reporting.suites.samples import Missing, SuiteFolder, Suites
from msm.reporting.suites.scaling import ScalingResult, take_scaling
from msm.suites import SuiteName

REASONING = SuiteName.REASONING
COLUMNS = 6  # of one table of main measures, so that it fits the page
_SIDES = (
    ("Reasons of misaligned acts", Better.LOWER),
    ("Reasons of aligned acts", Better.HIGHER),
    ("Other reasons", Better.NEITHER),
)


@dataclass(frozen=True)
class SuitesView:
    """The suites' part of the page; ``beside`` are word-pair contrasts with their adjusted p."""

    suites: Suites
    experiment: str
    reference: ArmKey | None
    levels: tuple[Level, ...]
    comparisons: tuple[Comparison, ...]
    beside: tuple[tuple[ContrastResult, float], ...]
    heat: tuple[HeatMap, ...]
    scaling: tuple[ScalingResult, ...]
    expected: tuple[Beside, ...]
    judges: tuple[Judge, ...]
    health: tuple[Level, ...]
    ungraded: tuple[Ungraded, ...]
    costs: tuple[Cost, ...]
    pair_roles: tuple[str, ...]
    missing: tuple[Missing, ...]
    verdict: str
    seeds_statement: str
    answers: tuple[Answer, ...]
    measured: tuple[str, ...]
    threats: tuple[str, ...]

    @property
    def cost_rows(self) -> tuple[Cost, ...]:
        """What the inputs of each kind took, and all together."""
        suites = {f"{ROLE}{folder.name}": folder.suite for folder in self.suites.folders}
        return (*by_kind(self.costs, suites, self.pair_roles), total(self.costs))

    @property
    def main(self) -> tuple[tuple[tuple[str, tuple[Measure, ...]], ...], ...]:
        """Each suite that was measured, with its main measures, packed into tables."""
        tables: list[list[tuple[str, tuple[Measure, ...]]]] = []
        for name, measures in self._measures(Role.MAIN):
            size = math.ceil(len(measures) / math.ceil(len(measures) / COLUMNS))
            for at in range(0, len(measures), size):
                part = measures[at : at + size]
                taken = sum(len(found) for _, found in tables[-1]) if tables else COLUMNS
                if taken + len(part) > COLUMNS:
                    tables.append([])
                tables[-1].append((name, part))
        return tuple(map(tuple, tables))

    @property
    def health_measures(self) -> tuple[tuple[str, tuple[Measure, ...]], ...]:
        """Each suite that has measures of health, with them."""
        return self._measures(Role.HEALTH)

    @property
    def reasons(self) -> tuple[tuple[str, tuple[Measure, ...]], ...]:
        """The reasons of the reasoning suite, by the side on which they stand."""
        found = [
            m.measure
            for m in self.suites.measures
            if m.suite == REASONING
            and m.measure.role is not Role.HEALTH
            and m.measure.unit is Unit.SHARE
        ]
        groups = (
            (title, tuple(item for item in found if item.better is side)) for title, side in _SIDES
        )
        return tuple((title, group) for title, group in groups if group)

    @property
    def reason_arms(self) -> tuple[ArmKey, ...]:
        """The arms whose reasons were classified, the reference arm first."""
        arms = self.arms_of(REASONING)
        return tuple(sorted(arms, key=lambda key: key != self.reference))

    def arms_of(self, suite: str) -> tuple[ArmKey, ...]:
        """The arms that have any figure of a suite."""
        have = {level.key for level in self.levels if level.suite == suite}
        return tuple(key for key in self.suites.arms if key in have)

    def level(self, suite: str, measure: str, key: ArmKey) -> Level | None:
        """One figure, or None if it was not run."""
        place = suite, measure, key
        found = (lv for lv in self.levels if (lv.suite, lv.measure.name, lv.key) == place)
        return next(found, None)

    def comparison(self, suite: str, measure: str, key: ArmKey) -> Comparison | None:
        """An arm's difference from the reference arm."""
        place = Kind.REFERENCE, suite, measure, key
        found = (c for c in self.comparisons if (c.kind, c.suite, c.measure.name, c.arm) == place)
        return next(found, None)

    def of_role(self, *roles: str) -> tuple[Comparison, ...]:
        """The comparisons of measures of these roles, the recipe's contrasts among them."""
        return tuple(item for item in self.comparisons if item.measure.role in roles)

    def log_link(self, folder: SuiteFolder) -> str:
        """The log folder seen from the report's own, where both lie in a workspace."""
        return f"../../evaluate/{quote(folder.name)}/logs/"

    @property
    def viewer_link(self) -> str:
        """The bundle that ``msm logs`` makes, seen from the report."""
        return f"../../{VIEWER}/index.html"

    @property
    def log_command(self) -> str:
        """What shows the logs of a folder ``NAME``, from the workspace."""
        return f"inspect view start --log-dir outputs/{self.experiment}/evaluate/NAME/logs"

    def _measures(self, role: Role) -> tuple[tuple[str, tuple[Measure, ...]], ...]:
        found = (
            (
                name,
                tuple(
                    m.measure
                    for m in self.suites.measures
                    if m.suite == name and m.measure.role is role
                ),
            )
            for name in self.suites.names
        )
        return tuple((name, measures) for name, measures in found if measures)


def view_suites(
    config: ReportConfig, inputs: Mapping[str, Path], pairs: Pairs | None
) -> SuitesView:
    """Read the suites of ``config.suites`` and take every figure of the analysis.

    Raises:
        UserError: a folder of measurements or a judge's figures cannot be read.
    """
    analysis = config.analysis
    order = config.suite_order or tuple(sorted(config.suites))
    known = [ArmKey(result.arm, result.spec) for result in _in_order(config)]
    suites = load_suites({name: config.suites[name] for name in order}, inputs, known)
    levels = describe_levels(suites, analysis)
    on_pairs: Sequence[ContrastResult] = pairs.contrasts if pairs else ()
    comparisons, adjusted, not_compared = compare(suites, analysis, on_pairs)
    every = len(comparisons) + len(on_pairs)
    scaling, no_curve = take_scaling(suites, levels, analysis)
    published, nothing_beside = beside(suites, levels, analysis)
    found_judges = judges(suites, inputs)
    return SuitesView(
        suites=suites,
        experiment=config.experiment,
        reference=suites.resolve(analysis.reference),
        levels=levels,
        comparisons=comparisons,
        beside=tuple(zip(on_pairs, adjusted, strict=True)),
        heat=heat_maps(suites),
        scaling=scaling,
        expected=published,
        judges=found_judges,
        health=health_levels(levels),
        ungraded=ungraded(levels),
        costs=costs(
            {role: path for role, path in inputs.items() if not role.startswith(JUDGE_CHECK)}
        ),
        pair_roles=config.order,
        missing=(*suites.missing, *not_compared, *no_curve, *nothing_beside),
        verdict=statements.verdict(comparisons, analysis, every),
        seeds_statement=statements.seeds_statement(suites.seeds),
        answers=statements.answers(suites, comparisons),
        measured=statements.how_measured(suites, analysis, every),
        threats=statements.threats(suites, levels, found_judges, bool(analysis.expected)),
    )


def _in_order(config: ReportConfig) -> list[ArmResult]:
    return [config.results[name] for name in config.order]
