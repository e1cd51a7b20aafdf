"""95 % intervals hold the truth in 93 to 97 of 100 simulated experiments, and power is kept."""

from __future__ import annotations

import numpy as np
import pytest

from msm.evals.power import epochs_needed, power_of
from msm.evals.statistics import estimate, estimate_expanded
from tests.simulated_experiments import (
    Estimator,
    crossed,
    kappas,
    preferences,
    rates,
    savings,
    wilson_at,
    wilson_exactly,
)

pytestmark = pytest.mark.slow
LEAST, MOST = 0.93, 0.97


@pytest.mark.parametrize("trials", [50, 100, 300, 1000])
def test_wilson(trials: int) -> None:
    """Counts are whole, so single shares may lie a little outside; their mean may not."""
    shares = np.linspace(0.05, 0.95, 19)
    simulated = [wilson_at(float(share), trials) for share in shares]
    assert LEAST <= np.mean(simulated) <= MOST
    assert min(simulated) >= 0.915
    exactly = [wilson_exactly(float(share), trials) for share in shares]
    assert simulated == pytest.approx(exactly, abs=0.02)


@pytest.mark.parametrize(
    ("method", "axes", "pairs"),
    [
        (estimate, 2, 24),
        (estimate_expanded, 1, 24),
        (estimate_expanded, 1, 36),
        (estimate_expanded, 1, 48),
    ],
)
def test_clustered_differences_on_one_seed(method: Estimator, axes: int, pairs: int) -> None:
    assert LEAST <= preferences(method, axes=axes, pairs=pairs) <= MOST


@pytest.mark.parametrize("seeds", [3, 4])
@pytest.mark.parametrize(
    ("of_seeds", "of_pairs", "of_noise"),
    [(0.0, 1.0, 0.0), (0.0, 0.2, 0.8), (0.3, 0.6, 0.1), (0.6, 0.1, 0.3), (1.0, 0.0, 0.0)],
)
def test_several_seeds_whatever_differs_most(
    seeds: int, of_seeds: float, of_pairs: float, of_noise: float
) -> None:
    held = crossed(seeds, of_seeds=of_seeds, of_pairs=of_pairs, of_noise=of_noise)
    assert LEAST <= held <= MOST


@pytest.mark.parametrize("seeds", [3, 4])
def test_several_seeds_of_two_axes(seeds: int) -> None:
    held = preferences(estimate, axes=2, pairs=24, seeds=seeds, seed_spread=0.1)
    assert LEAST <= held <= MOST + 0.01


@pytest.mark.parametrize(
    ("of_seeds", "of_pairs", "of_noise"), [(0.0, 0.7, 0.3), (0.3, 0.4, 0.3), (0.8, 0.1, 0.1)]
)
def test_two_seeds_err_on_the_wide_side(of_seeds: float, of_pairs: float, of_noise: float) -> None:
    held = crossed(2, of_seeds=of_seeds, of_pairs=of_pairs, of_noise=of_noise)
    assert LEAST <= held <= 0.99


@pytest.mark.parametrize(
    ("cells", "epochs", "seeds"), [(24, 10, 1), (27, 3, 1), (48, 10, 1), (27, 10, 3)]
)
def test_differences_of_rates_with_ungraded_samples(cells: int, epochs: int, seeds: int) -> None:
    seed_sd = 0.05 if seeds > 1 else 0.0
    held, _ = rates(cells=cells, epochs=epochs, seeds=seeds, seed_sd=seed_sd, ungraded=0.1)
    assert LEAST <= held <= MOST


@pytest.mark.parametrize(("difference", "cell_sd"), [(-0.05, 0.0), (-0.05, 0.05), (-0.1, 0.1)])
def test_the_epochs_that_are_asked_for_show_the_difference(
    difference: float, cell_sd: float
) -> None:
    epochs = epochs_needed(0.3, difference, 27, cell_sd)
    assert epochs is not None
    _, shown = rates(cells=27, epochs=epochs, baseline=0.3, difference=difference, cell_sd=cell_sd)
    assert shown == pytest.approx(power_of(0.3, difference, 27, cell_sd, epochs), abs=0.04)
    assert shown >= 0.77


@pytest.mark.parametrize("accuracy", [0.7, 0.95])
def test_kappa(accuracy: float) -> None:
    assert LEAST <= kappas(60, 0.3, accuracy) <= MOST + 0.005


def test_data_saved() -> None:
    assert LEAST <= savings(300) <= 0.98
