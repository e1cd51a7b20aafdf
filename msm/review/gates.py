"""The gates of a recipe, held against a report: interval ends alone, a result for each gate."""

from __future__ import annotations

from collections.abc import Iterator

from msm.evals.measurement import Better
from msm.evals.statistics import wilson
from msm.review.figures import Figure, Figures, LevelRow
from msm.review.settings import Bound, Gates, Loss
from msm.review.verdict import Result

NOT_MEASURED = "not measured"


def figure_gates(gates: Gates, figures: Figures) -> tuple[Result, ...]:
    """Every gate on figures: levels, contrasts, losses, how much was graded, n and seeds."""
    return (
        *_levels(gates, figures),
        *_contrasts(gates, figures),
        *(result for loss in gates.losses for result in _losses(loss, figures)),
        *(_graded(row, gates.graded) for row in figures.main if gates.graded is not None),
        _seeds(gates, figures),
        *_samples(gates, figures),
    )


def _levels(gates: Gates, figures: Figures) -> Iterator[Result]:
    for level in gates.levels:
        row = figures.level(level.suite, level.measure)
        yield _bound(f"{level.suite}: {level.measure}", level, row.figure if row else None)


def _contrasts(gates: Gates, figures: Figures) -> Iterator[Result]:
    for item in gates.contrasts:
        yield _bound(item.contrast, item, figures.contrasts.get(item.contrast))


def _bound(gate: str, bound: Bound, figure: Figure | None) -> Result:
    if figure is None:
        return Result(gate, bound.asked, NOT_MEASURED, False)
    return Result(gate, bound.asked, figure.told, bound.holds(figure.low, figure.high))


def _losses(loss: Loss, figures: Figures) -> Iterator[Result]:
    """One result for each measure; a gate on a suite that was not run is red all the same."""
    known = {row.measure: row for row in figures.main if row.suite == loss.suite}
    names = loss.measures or tuple(known)
    asked = f"loss against the start model: far end at most {loss.at_most:g}"
    if not names:
        yield Result(f"{loss.suite}: loss", asked, NOT_MEASURED, False)
    for name in names:
        row = figures.level(loss.suite, name)
        figure = figures.from_start.get((loss.suite, name))
        gate = f"{loss.suite}: {name}, loss"
        if row is None or figure is None:
            yield Result(gate, asked, NOT_MEASURED, False)
        elif row.better is Better.NEITHER:
            yield Result(gate, asked, "neither way of it is better", False)
        else:
            lost = -figure.low if row.better is Better.HIGHER else figure.high
            yield Result(gate, asked, f"difference {figure.told}", lost <= loss.at_most)


def _graded(row: LevelRow, least: float) -> Result:
    gate = f"{row.suite}: {row.measure}, graded"
    asked = f"share with a value: lower end above {least:g}"
    interval = wilson(row.graded, row.graded + row.ungraded)
    if interval is None:
        return Result(gate, asked, "no samples", False)
    found = f"{row.graded} of {row.graded + row.ungraded}, from {interval.low:.4g}"
    return Result(gate, asked, found, interval.low > least)


def _seeds(gates: Gates, figures: Figures) -> Result:
    counts = [*(row.seeds for row in figures.main), *figures.pair_seeds]
    fewest = min(counts, default=0)
    asked = f"training runs of the arm, of each main figure: at least {gates.seeds}"
    return Result("seeds", asked, str(fewest), fewest >= gates.seeds)


def _samples(gates: Gates, figures: Figures) -> Iterator[Result]:
    """Of every figure that a gate reads: an interval from a handful of samples is a guess."""
    if gates.samples <= 1:
        return
    read = {
        **{f"{g.suite}: {g.measure}": figures.level(g.suite, g.measure) for g in gates.levels},
    }
    counted = {name: row.graded if row else 0 for name, row in read.items()}
    for bound in gates.contrasts:
        figure = figures.contrasts.get(bound.contrast)
        counted[bound.contrast] = figure.samples if figure else 0
    for name, count in counted.items():
        asked = f"samples: at least {gates.samples}"
        yield Result(f"{name}, n", asked, str(count), count >= gates.samples)
