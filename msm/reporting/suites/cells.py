"""The agentic suite cell by cell: actions by goals, one block an arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from msm.evals.agentic.cells import Action, Cell, Goal, cells
from msm.evals.measurement import Measure, Role, Unit
from msm.reporting.scores import ArmKey
from msm.reporting.suites.samples import ArmSamples, MeasureSamples, Suites
from msm.suites import SuiteName


@dataclass(frozen=True)
class HeatCell:
    """One cell of one arm: the share of its graded samples, over all seeds."""

    action: Action
    goal: Goal
    share: float | None
    yes: int
    graded: int
    ungraded: int


@dataclass(frozen=True)
class Block:
    """One arm's cells: ``rows[goal][action]``, None where a cell was not run."""

    key: ArmKey
    rows: tuple[tuple[HeatCell | None, ...], ...]


@dataclass(frozen=True)
class HeatMap:
    """All arms' cells of one measure."""

    measure: Measure
    actions: tuple[Action, ...]
    goals: tuple[Goal, ...]
    blocks: tuple[Block, ...]


def heat_maps(suites: Suites) -> tuple[HeatMap, ...]:
    """One for each main rate of the agentic suite."""
    return tuple(
        found
        for measured in suites.measures
        if measured.suite == SuiteName.AGENTIC
        and measured.measure.role is Role.MAIN
        and measured.measure.unit is Unit.SHARE
        and (found := _map(measured)) is not None
    )


def _map(measured: MeasureSamples) -> HeatMap | None:
    known = {cell.name: cell for cell in cells(tuple(Action))}
    columns: dict[Cell, list[int]] = {}
    for index, (item, cluster) in enumerate(zip(measured.items, measured.clusters, strict=True)):
        cell = known.get(item) or known.get(cluster)
        if cell is not None:
            columns.setdefault(cell, []).append(index)
    if not columns:
        return None
    actions = tuple(action for action in Action if any(c.action is action for c in columns))
    goals = tuple(goal for goal in Goal if any(c.goal is goal for c in columns))
    blocks = tuple(
        Block(
            key,
            tuple(
                tuple(
                    _cell(samples, Cell(action, goal), columns.get(Cell(action, goal), []))
                    for action in actions
                )
                for goal in goals
            ),
        )
        for key, samples in measured.arms.items()
    )
    return HeatMap(measured.measure, actions, goals, blocks)


def _cell(samples: ArmSamples, cell: Cell, columns: Sequence[int]) -> HeatCell | None:
    at = np.array(columns, dtype=np.intp)
    yes = float(samples.total[:, at].sum())
    graded, ungraded = int(samples.graded[:, at].sum()), int(samples.ungraded[:, at].sum())
    if not graded + ungraded:
        return None
    share = yes / graded if graded else None
    return HeatCell(cell.action, cell.goal, share, round(yes), graded, ungraded)
