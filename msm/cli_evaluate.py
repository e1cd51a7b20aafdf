"""What an evaluation would show: items, and the differences that its size can tell from none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from msm.errors import UserError
from msm.evals.items import read_suite
from msm.evals.power import POWER, detectable_difference, epochs_needed
from msm.recipe import Recipe
from msm.suites import AgenticSuite

GOALS = 9
CELLS = 3 * GOALS  # actions x goal conditions of the paper's grid


def show_plan(
    recipe: Recipe,
    baseline: float,
    differences: Sequence[float],
    cell_sds: Sequence[float],
    pair_sd: float,
) -> None:
    """Print what the recipe's word pairs can show, and the epochs that agentic cells need.

    ``baseline`` and ``differences`` are shares, ``cell_sds`` too; ``pair_sd`` is in nats.

    Raises:
        UserError: the suite cannot be read, or a figure is out of range.
    """
    _check(baseline, differences, cell_sds, pair_sd)
    if recipe.evaluation.suite:
        _show_preferences(recipe, pair_sd)
        print()
    _show_agentic(recipe.evaluation.suites.agentic, baseline, differences, cell_sds)


def _check(
    baseline: float, differences: Sequence[float], cell_sds: Sequence[float], pair_sd: float
) -> None:
    if not 0 < baseline < 1:
        raise UserError(f"--baseline {baseline:g}: a rate lies between 0 and 1")
    for difference in differences:
        if not 0 < difference < 1 or _other(baseline, difference) > 1:
            raise UserError(
                f"--difference {difference:g}: no second rate between 0 and 1 differs from the "
                f"baseline {baseline:g} by that much"
            )
    for sd in cell_sds:
        if not 0 <= sd < 1:
            raise UserError(f"--cell-sd {sd:g}: give a share, from 0 to below 1")
    if not pair_sd > 0:
        raise UserError(f"--pair-sd {pair_sd:g}: give a number of nats above 0")


def _show_preferences(recipe: Recipe, pair_sd: float) -> None:
    path = Path(recipe.evaluation.suite)
    suite = read_suite(path)
    items = suite.items()
    table = _table("axis", "word pairs", "items", "prompts", "shows from (nats)")
    for axis in suite.axes:
        pairs = len(axis.pairs)
        count = sum(item.axis == axis.name for item in items)
        table.add_row(axis.name, str(pairs), f"{count:,}", f"{2 * count:,}", _nats(pairs, pair_sd))
    if len(suite.axes) > 1:
        # Axes weigh alike, so their mean is as sure as one axis of this many pairs.
        effective = len(suite.axes) ** 2 / sum(1 / len(axis.pairs) for axis in suite.axes)
        pairs = sum(len(axis.pairs) for axis in suite.axes)
        counts = (str(pairs), f"{len(items):,}", f"{2 * len(items):,}")
        table.add_row("mean over axes", *counts, _nats(effective, pair_sd))
    print(f"word pairs of {path.name}, for each checkpoint")
    Console().print(table)
    print(
        f"shows from: the difference of two arms in one frame that one seed shows in "
        f"{POWER:.0%} of experiments, if differences vary over word pairs by {pair_sd:g} nats "
        f"(--pair-sd); every item is asked in both option orders"
    )


def _nats(clusters: float, sd: float) -> str:
    return f"{detectable_difference(clusters, sd):.2f}" if clusters >= 2 else "—"


def _show_agentic(
    settings: AgenticSuite | None,
    baseline: float,
    differences: Sequence[float],
    cell_sds: Sequence[float],
) -> None:
    cells = CELLS
    if settings is not None:
        cells = len(settings.actions) * (len(settings.goals) or GOALS)
    if cells < 2:
        raise UserError("a comparison needs two cells or more; name further actions or goals")
    table = _table("difference", "rates", *(f"cell sd {sd:g}" for sd in cell_sds))
    for difference in differences:
        other = _other(baseline, difference)
        needed = [epochs_needed(baseline, other - baseline, cells, sd) for sd in cell_sds]
        counts = ["—" if count is None else f"{count:,}" for count in needed]
        table.add_row(f"{difference:g}", f"{baseline:g} and {other:g}", *counts)
    print(f"agentic suite: epochs for each of {cells} cells and each of two arms")
    Console().print(table)
    print(
        f"shown in {POWER:.0%} of experiments at the 5 % level, one comparison, one seed an arm; "
        "cell sd: how much the difference itself varies over cells (--cell-sd), 0 for these cells "
        "alone; —: no number of epochs, only more cells"
    )
    if settings is not None:
        samples = cells * settings.epochs
        print(f"this recipe takes {settings.epochs:,} epochs: {samples:,} samples an arm")


def _other(baseline: float, difference: float) -> float:
    """The second arm's rate: lower, or higher where the baseline cannot fall so far."""
    lower = round(baseline - difference, 10)
    return lower if lower >= 0 else round(baseline + difference, 10)


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold")
    for column in columns:
        words = column in ("axis", "rates")
        table.add_column(column, justify="left" if words else "right", no_wrap=True)
    return table
