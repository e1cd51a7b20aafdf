"""Intervals: they cover the truth as often as they say, widen with seeds, and pair by item."""

from __future__ import annotations

import numpy as np
import pytest

from msm.evals.statistics import (
    Sign,
    Stratum,
    clusters_won,
    estimate,
    estimate_expanded,
    estimate_share,
    wilson,
)

PAIRS, PRODUCTS, TRUTH = 24, 3, 0.5
CLUSTERS = np.repeat(np.arange(PAIRS), PRODUCTS)


def experiment(
    draw: np.random.Generator, seeds: int, seed_spread: float
) -> tuple[Stratum, Stratum]:
    """Two axes whose values vary by word pair (1 nat), product (0.5) and seed."""
    shift = draw.normal(0, seed_spread, (seeds, 1)) if seed_spread else np.zeros((seeds, 1))

    def axis(name: str) -> Stratum:
        pairs = draw.normal(TRUTH, 1, PAIRS)[CLUSTERS]
        return Stratum(name, pairs + draw.normal(0, 0.5, len(CLUSTERS)) + shift, CLUSTERS)

    return axis("price"), axis("origin")


@pytest.mark.parametrize(
    ("seeds", "seed_spread"), [(1, 0.0), (2, 0.15), (2, 0.3), (3, 0.15), (3, 0.3)]
)
def test_the_interval_covers_the_truth(seeds: int, seed_spread: float) -> None:
    """In few experiments, as a quick check; ``test_statistics_coverage.py`` has many."""
    draw = np.random.default_rng(7)
    covered = 0
    for _ in range(400):
        whole, _ = estimate(experiment(draw, seeds, seed_spread), resamples=500, seed=0)
        covered += whole.low <= TRUTH <= whole.high
    assert 0.90 <= covered / 400 <= 0.99


def test_products_of_one_pair_are_not_independent_evidence() -> None:
    draw = np.random.default_rng(1)
    values = draw.normal(0, 1, PAIRS)[CLUSTERS][np.newaxis]
    _, (clustered,) = estimate([Stratum("a", values, CLUSTERS)], 2000, 0)
    alone = Stratum("a", values, np.arange(values.shape[1]))
    _, (naive,) = estimate([alone], 2000, 0)
    ratio = (clustered.high - clustered.low) / (naive.high - naive.low)
    assert ratio == pytest.approx(PRODUCTS**0.5, rel=0.15)


def test_a_spread_between_seeds_widens_the_interval() -> None:
    values = np.random.default_rng(1).normal(0.5, 0.3, len(CLUSTERS))
    alike = np.stack([values] * 3)
    apart = alike + np.array([[-0.5], [0.0], [0.5]])
    narrow, _ = estimate([Stratum("a", alike, CLUSTERS)], 2000, 0)
    wide, _ = estimate([Stratum("a", apart, CLUSTERS)], 2000, 0)
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
    assert wide.by_seed == pytest.approx([narrow.value - 0.5, narrow.value, narrow.value + 0.5])


def test_one_seed_keeps_plain_percentiles_and_expanded_ones_are_wider() -> None:
    strata = experiment(np.random.default_rng(4), 1, 0.0)
    plain, expanded = (method(strata, 4000, 0)[0] for method in (estimate, estimate_expanded))
    assert plain.value == expanded.value
    assert expanded.low < plain.low < plain.high < expanded.high
    assert expanded.high - expanded.low < 1.1 * (plain.high - plain.low)


def test_what_items_do_to_seed_means_is_not_taken_for_a_spread_of_seeds() -> None:
    """Three seeds that differ by items' noise alone are about as sure as their mean would be."""
    draw = np.random.default_rng(8)
    widths = []
    for _ in range(60):
        values = draw.normal(0, 1, PAIRS)[CLUSTERS] + draw.normal(0, 0.5, (3, len(CLUSTERS)))
        three, _ = estimate_expanded([Stratum("a", values, CLUSTERS)], 500, 0)
        mean = Stratum("a", values.mean(axis=0, keepdims=True), CLUSTERS)
        one, _ = estimate_expanded([mean], 500, 0)
        widths.append((three.high - three.low) / (one.high - one.low))
    assert np.median(widths) < 1.05
    assert min(widths) == pytest.approx(1.0, abs=0.01)


def test_without_a_kind_of_clusters_the_seeds_means_are_all_there_is() -> None:
    """Where clusters differ by noise alone, the interval is Student's t on the seeds' means."""
    draw = np.random.default_rng(9)
    values = draw.normal(0, 1, (3, PAIRS))
    values -= values.mean(axis=0)  # the clusters' means are alike
    values += np.array([[-0.4], [0.1], [0.3]]) - values.mean(axis=1, keepdims=True)
    found, _ = estimate([Stratum("a", values, np.arange(PAIRS))], 500, 0)
    # Student's t at 97.5 % and two degrees of freedom, 4.303, by tables.
    reach = 4.303 * np.std([-0.4, 0.1, 0.3], ddof=1) / 3**0.5
    assert (found.low, found.high) == pytest.approx((-reach, reach), abs=0.01)


def test_axes_weigh_alike_whatever_their_size() -> None:
    small = Stratum("a", np.full((1, 4), 1.0), np.arange(4))
    large = Stratum("b", np.full((1, 40), 3.0), np.arange(40))
    whole, parts = estimate([small, large], 200, 0)
    assert whole.value == 2.0
    assert (whole.clusters, whole.items) == (44, 44)
    assert [part.value for part in parts] == [1.0, 3.0]


def test_clusters_of_unequal_size_count_by_their_items() -> None:
    values = np.array([[1.0, 1.0, 1.0, 5.0]])
    _, (part,) = estimate([Stratum("a", values, np.array([0, 0, 0, 1]))], 2000, 0)
    assert part.value == 2.0
    assert (part.low, part.high) == (1.0, 5.0)


def test_the_same_seed_gives_the_same_interval_and_another_does_not() -> None:
    strata = experiment(np.random.default_rng(3), 3, 0.2)
    one, two, other = (estimate(strata, 500, seed)[0] for seed in (0, 0, 1))
    assert one == two
    assert (one.low, one.high) != (other.low, other.high)
    assert one.value == other.value


def test_a_sign_needs_the_whole_interval_on_one_side() -> None:
    noise = np.random.default_rng(0).normal(0, 1, (1, PAIRS))
    signs = [
        estimate([Stratum("a", noise + shift, np.arange(PAIRS))], 500, 0)[0].sign
        for shift in (3.0, -noise.mean(), -3.0)
    ]
    assert signs == [Sign.ABOVE, Sign.UNCLEAR, Sign.BELOW]


def test_a_clean_sweep_still_has_an_interval() -> None:
    won = Stratum("a", np.full((1, 72), 0.3), CLUSTERS)
    share = estimate_share(won, 500, 0)
    assert (share.value, share.high) == (1.0, 1.0)
    assert share.low == pytest.approx(0.862, abs=0.001)  # Wilson, 24 of 24
    assert clusters_won(won) == (24, 24)


def test_wilson_agrees_with_the_published_example() -> None:
    # Newcombe, Statistics in Medicine 1998, table I: 81 of 263, score method without correction.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)


def test_nothing_tried_is_no_interval_and_an_impossible_count_is_refused() -> None:
    assert wilson(0, 0) is None
    nothing, everything = wilson(0, 27), wilson(27, 27)
    assert nothing and everything
    assert nothing.low == 0.0 and everything.high == 1.0
    for successes, trials in ((3, 2), (-1, 2)):
        with pytest.raises(ValueError, match="successes"):
            wilson(successes, trials)


def test_the_share_of_several_seeds_stays_within_0_and_1() -> None:
    draw = np.random.default_rng(2)
    values = draw.normal(2, 1, (3, len(CLUSTERS))) + np.array([[-2.0], [0.0], [1.0]])
    share = estimate_share(Stratum("a", values, CLUSTERS), 500, 0)
    assert 0 < share.low < share.value < share.high == 1.0
