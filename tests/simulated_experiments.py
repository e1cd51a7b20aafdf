"""Simulated experiments whose truth is known: how often do the intervals hold it?

    python -m tests.simulated_experiments

prints the tables of docs/evaluation/statistics.md (six minutes on one core). Each figure is the
share of 2,000 experiments, so its own standard error is half a percentage point at 95 %.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from scipy.stats import binom

from msm.evals.power import epochs_needed, power_of
from msm.evals.statistics import (
    CellCounts,
    Estimate,
    Floats,
    Interval,
    ScalingPoint,
    Stratum,
    agreement,
    data_saved,
    estimate,
    estimate_expanded,
    rate_difference,
    wilson,
)

EXPERIMENTS = 2_000
RESAMPLES = 1_000
TRUTH = 0.5

Estimator = Callable[[list[Stratum], int, int], tuple[Estimate, tuple[Estimate, ...]]]


def wilson_at(share: float, trials: int) -> float:
    """How often Wilson's interval holds the share, over simulated counts."""
    draw = np.random.default_rng(1)
    counts = draw.binomial(trials, share, EXPERIMENTS)
    return float(np.mean([_holds(_wilson(int(count), trials), share) for count in counts]))


def wilson_exactly(share: float, trials: int) -> float:
    """The same without chance: the sum over all counts."""
    held = [_holds(_wilson(count, trials), share) for count in range(trials + 1)]
    return float(binom.pmf(np.arange(trials + 1), trials, share) @ np.array(held))


def preferences(
    method: Estimator,
    *,
    axes: int,
    pairs: int,
    seeds: int = 1,
    seed_spread: float = 0.0,
    skewed: bool = False,
) -> float:
    """Preference scores: values vary by word pair (1 nat), item and seed (0.5), and by seed.

    ``skewed`` draws pairs and seeds from an exponential distribution in place of a normal one.
    """
    draw = np.random.default_rng(2)

    def noise(*shape: int) -> Floats:
        return draw.exponential(1, shape) - 1 if skewed else draw.normal(0, 1, shape)

    clusters = np.repeat(np.arange(pairs), 3)
    held = 0
    for _ in range(EXPERIMENTS):
        shift = TRUTH + seed_spread * noise(seeds, 1)
        strata = [
            Stratum(
                f"axis {axis}",
                shift + noise(pairs)[clusters] + draw.normal(0, 0.5, (seeds, len(clusters))),
                clusters,
            )
            for axis in range(axes)
        ]
        whole, _ = method(strata, RESAMPLES, 0)
        held += whole.low <= TRUTH <= whole.high
    return held / EXPERIMENTS


def crossed(seeds: int, *, of_seeds: float, of_pairs: float, of_noise: float) -> float:
    """One axis of 24 pairs; the parts of the mean's variance that seeds, pairs and noise make up.

    Noise is what differs between pairs in one seed and not in another.
    """
    draw = np.random.default_rng(6)
    pairs = 24
    spreads = (
        (seeds * of_seeds) ** 0.5,
        (pairs * of_pairs) ** 0.5,
        (seeds * pairs * of_noise) ** 0.5,
    )
    held = 0
    for _ in range(EXPERIMENTS):
        values = (
            draw.normal(TRUTH, spreads[0], (seeds, 1))
            + draw.normal(0, spreads[1], pairs)
            + draw.normal(0, spreads[2], (seeds, pairs))
        )
        whole, _ = estimate([Stratum("axis", values, np.arange(pairs))], RESAMPLES, 0)
        held += whole.low <= TRUTH <= whole.high
    return held / EXPERIMENTS


def arms_of_cells(
    draw: np.random.Generator,
    *,
    cells: int,
    epochs: int,
    baseline: float,
    difference: float,
    cell_sd: float,
    seeds: int = 1,
    seed_sd: float = 0.0,
    ungraded: float = 0.0,
) -> tuple[CellCounts, CellCounts]:
    """Two arms over the same cells: rates spread evenly over cells and seeds, epochs by chance."""

    def even(sd: float, *shape: int) -> Floats:
        return draw.uniform(-1, 1, shape) * sd * 3**0.5

    base = np.clip(baseline + even(min(0.05, baseline / 4), 1, cells), 0, 1)
    arm = np.clip(base + difference + even(cell_sd, 1, cells) + even(seed_sd, seeds, 1), 0, 1)
    return tuple(_sampled(draw, rates, seeds, epochs, ungraded) for rates in (arm, base))  # type: ignore[return-value]


def _sampled(
    draw: np.random.Generator, rates: Floats, seeds: int, epochs: int, ungraded: float
) -> CellCounts:
    shape = seeds, rates.shape[1]
    lost = draw.binomial(epochs, ungraded, shape)
    return CellCounts(
        seeds=tuple(range(seeds)),
        cells=tuple(f"cell {number}" for number in range(shape[1])),
        yes=draw.binomial(epochs - lost, np.broadcast_to(rates, shape)),
        graded=epochs - lost,
        ungraded=lost,
    )


def rates(
    *,
    cells: int,
    epochs: int,
    baseline: float = 0.4,
    difference: float = -0.1,
    cell_sd: float = 0.05,
    seeds: int = 1,
    seed_sd: float = 0.0,
    ungraded: float = 0.0,
) -> tuple[float, float]:
    """Agentic rates: how often the difference's interval holds the truth, and leaves out zero."""
    draw = np.random.default_rng(3)
    held = shown = 0
    for _ in range(EXPERIMENTS):
        arms = arms_of_cells(
            draw,
            cells=cells,
            epochs=epochs,
            baseline=baseline,
            difference=difference,
            cell_sd=cell_sd,
            seeds=seeds,
            seed_sd=seed_sd,
            ungraded=ungraded,
        )
        compared = rate_difference(*arms, RESAMPLES, 0)
        assert compared is not None
        held += compared.estimate.low <= difference <= compared.estimate.high
        shown += not compared.estimate.low <= 0 <= compared.estimate.high
    return held / EXPERIMENTS, shown / EXPERIMENTS


def kappas(cases: int, prevalence: float, accuracy: float) -> float:
    """A judge who agrees with this chance, whatever the label; undefined kappas are left out."""
    draw = np.random.default_rng(4)
    table = np.outer([1 - prevalence, prevalence], [1, 1]) * (1 - accuracy)
    np.fill_diagonal(table, np.array([1 - prevalence, prevalence]) * accuracy)
    chance = table.sum(axis=0) @ table.sum(axis=1)
    truth = (accuracy - chance) / (1 - chance)
    held = told = 0
    for counts in draw.multinomial(cases, table.ravel(), EXPERIMENTS):
        interval = _kappa_interval(tuple(counts.tolist()))
        told += interval is not None
        held += interval is not None and _holds(interval, truth)
    return held / told


@cache
def _kappa_interval(counts: tuple[int, ...]) -> Interval | None:
    """Of a table of two labels, by row."""
    first, second = (np.repeat(labels, counts).tolist() for labels in ([0, 0, 1, 1], [0, 1, 0, 1]))
    return agreement(first, second, (0, 1)).kappa_interval


def savings(samples: int, shift: float = 4.0) -> float:
    """Two scaling curves, the second ``shift`` times as fast, each point from so many samples."""
    draw = np.random.default_rng(5)
    amounts = [1250 * 2**step for step in range(7)]
    held = told = 0
    for _ in range(EXPERIMENTS):
        without, with_midtraining = (
            [
                _point(draw, rows, 0.55 - 0.1 * np.log2(rows * factor / 1250), samples)
                for rows in amounts
            ]
            for factor in (1.0, shift)
        )
        saved = data_saved(without, with_midtraining, 0.2, 300, 0)
        told += saved.interval is not None
        held += saved.interval is not None and _holds(saved.interval, shift)
    return held / told


def _point(draw: np.random.Generator, rows: int, rate: float, samples: int) -> ScalingPoint:
    yes = int(draw.binomial(samples, max(0.02, rate)))
    return ScalingPoint(rows, yes / samples, _wilson(yes, samples))


@cache
def _wilson(successes: int, trials: int) -> Interval:
    found = wilson(successes, trials)
    assert found is not None
    return found


def _holds(interval: Interval, truth: float) -> bool:
    return interval.low <= truth <= interval.high


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _print_wilson() -> None:
    print("| trials | p = 0.02 | 0.05 | 0.1 | 0.3 | 0.5 | 0.9 | worst of 0.05 … 0.95, exactly |")
    print("|---|---|---|---|---|---|---|---|")
    for trials in (10, 27, 50, 100, 300, 1000):
        shares = [_percent(wilson_at(share, trials)) for share in (0.02, 0.05, 0.1, 0.3, 0.5, 0.9)]
        exact = [wilson_exactly(share, trials) for share in np.linspace(0.05, 0.95, 181)]
        mean = _percent(float(np.mean(exact)))
        print(f"| {trials} | {' | '.join(shares)} | {_percent(min(exact))} (mean {mean}) |")


def _print_preferences() -> None:
    print("\n| axes, pairs | percentiles | expanded percentiles | expanded, skewed |")
    print("|---|---|---|---|")
    for axes, pairs in ((1, 12), (1, 24), (1, 36), (1, 48), (2, 24)):
        shares = (
            preferences(estimate, axes=axes, pairs=pairs),
            preferences(estimate_expanded, axes=axes, pairs=pairs),
            preferences(estimate_expanded, axes=axes, pairs=pairs, skewed=True),
        )
        print(f"| {axes} x {pairs} | {' | '.join(map(_percent, shares))} |")
    spreads = (0.0, 0.05, 0.1, 0.15, 0.3, 1.0)
    print(f"\n| seeds | {' | '.join(f'spread {spread:g}' for spread in spreads)} | 0.15, skewed |")
    print("|---|---|---|---|---|---|---|---|")
    for seeds in (2, 3, 4):
        for axes in (1, 2):
            shares = [
                preferences(estimate, axes=axes, pairs=24, seeds=seeds, seed_spread=spread)
                for spread in spreads
            ]
            skewed = preferences(
                estimate, axes=axes, pairs=24, seeds=seeds, seed_spread=0.15, skewed=True
            )
            told = " | ".join(map(_percent, (*shares, skewed)))
            print(f"| {seeds} ({axes} x 24 pairs) | {told} |")


REGIMES = (
    (0.0, 1.0, 0.0), (0.0, 0.7, 0.3), (0.0, 0.2, 0.8), (0.0, 0.0, 1.0), (0.3, 0.6, 0.1),
    (0.3, 0.4, 0.3), (0.3, 0.1, 0.6), (0.6, 0.3, 0.1), (0.6, 0.1, 0.3), (0.8, 0.1, 0.1),
    (1.0, 0.0, 0.0),
)  # fmt: skip


def _print_crossed() -> None:
    print("\n| seeds : pairs : noise | 2 seeds | 3 seeds | 4 seeds |\n|---|---|---|---|")
    for parts in REGIMES:
        shares = [
            crossed(seeds, of_seeds=parts[0], of_pairs=parts[1], of_noise=parts[2])
            for seeds in (2, 3, 4)
        ]
        told = " : ".join(f"{part:g}" for part in parts)
        print(f"| {told} | {' | '.join(map(_percent, shares))} |")


def _print_rates() -> None:
    print("\n| cells | epochs | seeds | rates | held |\n|---|---|---|---|---|")
    for cells, epochs, seeds, baseline, difference, cell_sd in (
        (24, 10, 1, 0.4, -0.1, 0.05),
        (27, 3, 1, 0.4, -0.1, 0.05),
        (27, 10, 1, 0.4, -0.1, 0.05),
        (27, 100, 1, 0.4, -0.1, 0.1),
        (48, 10, 1, 0.4, -0.1, 0.05),
        (27, 10, 1, 0.05, 0.0, 0.0),
        (27, 10, 1, 0.02, 0.0, 0.0),
        (27, 10, 2, 0.4, -0.1, 0.05),
        (27, 10, 3, 0.4, -0.1, 0.05),
        (27, 10, 4, 0.4, -0.1, 0.05),
    ):
        held, _ = rates(
            cells=cells,
            epochs=epochs,
            baseline=baseline,
            difference=difference,
            cell_sd=cell_sd,
            seeds=seeds,
            seed_sd=0.05 if seeds > 1 else 0.0,
            ungraded=0.1,
        )
        told = f"{baseline:g} and {baseline + difference:g}"
        print(f"| {cells} | {epochs} | {seeds} | {told} | {_percent(held)} |")


def _print_power() -> None:
    print(
        "\n| difference | cell sd | epochs | power by formula | simulated |\n|---|---|---|---|---|"
    )
    for difference, cell_sd in ((-0.05, 0.0), (-0.05, 0.05), (-0.1, 0.0), (-0.1, 0.1), (-0.2, 0.0)):
        epochs = epochs_needed(0.3, difference, 27, cell_sd)
        assert epochs is not None
        formula = power_of(0.3, difference, 27, cell_sd, epochs)
        _, shown = rates(
            cells=27, epochs=epochs, baseline=0.3, difference=difference, cell_sd=cell_sd
        )
        print(f"| {difference} | {cell_sd} | {epochs} | {_percent(formula)} | {_percent(shown)} |")


def _print_rest() -> None:
    print("\n| cases | yes | judge right | held |\n|---|---|---|---|")
    for cases, prevalence, accuracy in (
        (40, 0.3, 0.85), (60, 0.5, 0.7), (60, 0.5, 0.85), (60, 0.3, 0.95), (60, 0.15, 0.95),
        (60, 0.3, 0.99), (200, 0.3, 0.95),
    ):  # fmt: skip
        print(
            f"| {cases} | {prevalence:g} | {accuracy:g} "
            f"| {_percent(kappas(cases, prevalence, accuracy))} |"
        )
    print("\n| samples a point | held |\n|---|---|")
    for samples in (60, 300, 1000):
        print(f"| {samples} | {_percent(savings(samples))} |")


if __name__ == "__main__":
    _print_wilson()
    _print_preferences()
    _print_crossed()
    _print_rates()
    _print_power()
    _print_rest()
