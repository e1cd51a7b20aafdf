"""Corrections, equivalence, agreement, and the data that midtraining saves."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import isotonic_regression

from msm.evals.statistics import (
    Equivalence,
    Estimate,
    Interval,
    ScalingPoint,
    Stratum,
    Weights,
    agreement,
    data_saved,
    equivalence,
    estimate,
    estimate_expanded,
    holm,
)


def between(low: float, high: float) -> Estimate:
    return Estimate((low + high) / 2, low, high, 24, 72, 1, ((low + high) / 2,), 0.5)


def test_holm_agrees_with_a_worked_example() -> None:
    # 0.01 x 4, then 0.013 x 3 raised to it, 0.02 x 2 raised to it, 0.04 x 1 raised to it.
    assert holm([0.04, 0.01, 0.02, 0.013]) == pytest.approx((0.04, 0.04, 0.04, 0.04))
    assert holm([0.5, 0.001, 0.03]) == pytest.approx((0.5, 0.003, 0.06))
    assert holm([]) == ()


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-0.04, 0.03, Equivalence.EQUIVALENT),
        (-0.06, 0.03, Equivalence.UNCLEAR),
        (0.02, 0.2, Equivalence.UNCLEAR),
        (0.06, 0.2, Equivalence.DIFFERENT),
        (-0.2, -0.06, Equivalence.DIFFERENT),
    ],
)
def test_equivalence_needs_the_whole_interval_within_the_margin(
    low: float, high: float, expected: Equivalence
) -> None:
    assert equivalence(between(low, high), 0.05) is expected


def test_a_margin_is_above_zero() -> None:
    with pytest.raises(ValueError, match="margin"):
        equivalence(between(0, 1), 0.0)


@pytest.mark.parametrize("method", [estimate, estimate_expanded])
@pytest.mark.parametrize("seeds", [1, 3])
def test_a_p_value_is_under_5_percent_exactly_where_the_interval_leaves_zero_out(
    method: Callable[..., tuple[Estimate, object]], seeds: int
) -> None:
    draw = np.random.default_rng(5)
    found = [
        method([Stratum("a", draw.normal(shift, 1, (seeds, 24)), np.arange(24))], 2000, 0)[0]
        for shift in np.linspace(-0.8, 0.8, 60)
    ]
    assert [one.p < 0.05 for one in found] == [not one.low <= 0 <= one.high for one in found]
    assert {one.sign for one in found} == {"above zero", "below zero",
                                           "not distinguishable from zero"}  # fmt: skip
    assert all(2 / 2001 <= one.p <= 1 for one in found)


def test_p_values_are_spread_evenly_where_there_is_no_effect() -> None:
    draw = np.random.default_rng(6)
    values = [
        estimate_expanded([Stratum("a", draw.normal(0, 1, (1, 24)), np.arange(24))], 1000, 0)[0].p
        for _ in range(500)
    ]
    for level in (0.05, 0.25, 0.5, 0.75):
        assert np.mean(np.array(values) < level) == pytest.approx(level, abs=0.06)


def test_kappa_agrees_with_a_published_example() -> None:
    # Fleiss, Cohen and Everitt 1969, also Agresti, Categorical Data Analysis, movie reviews of
    # Siskel and Ebert: kappa 0.389, standard error 0.060, 160 films.
    table = {(0, 0): 24, (0, 1): 8, (0, 2): 13, (1, 0): 8, (1, 1): 13, (1, 2): 11,
             (2, 0): 10, (2, 1): 9, (2, 2): 64}  # fmt: skip
    first = [pair[0] for pair, count in table.items() for _ in range(count)]
    second = [pair[1] for pair, count in table.items() for _ in range(count)]
    found = agreement(first, second, (0, 1, 2))
    assert found.kappa == pytest.approx(0.389, abs=0.001)
    assert found.kappa_interval == pytest.approx((0.27, 0.50), abs=0.01)
    assert found.share == pytest.approx(101 / 160)


def test_full_agreement_still_has_an_interval() -> None:
    labels = ["yes"] * 20 + ["no"] * 40
    found = agreement(labels, labels, ("yes", "no"))
    assert found.kappa == found.share == 1.0
    assert found.kappa_interval and 0.8 < found.kappa_interval.low < 0.9
    assert found.kappa_interval.high == 1.0


def test_one_label_alone_gives_no_kappa() -> None:
    found = agreement(["no"] * 30, ["no"] * 30, ("yes", "no"))
    assert found.share == 1.0
    assert found.kappa is None and found.kappa_interval is None


def test_a_near_miss_counts_less_where_labels_are_in_order() -> None:
    first = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] * 3
    near = [min(10, score + 1) for score in first]
    scores = tuple(range(1, 11))
    plain, ordered = (agreement(first, near, scores, w) for w in (Weights.EQUAL, Weights.QUADRATIC))
    assert plain.kappa is not None and ordered.kappa is not None
    assert plain.kappa < 0.1 < 0.9 < ordered.kappa


def test_an_unknown_label_is_refused() -> None:
    with pytest.raises(ValueError, match="maybe"):
        agreement(["yes"], ["maybe"], ("yes", "no"))


AMOUNTS = (1250, 2500, 5000, 10_000, 20_000, 40_000, 80_000)


def curve(rates: tuple[float, ...], half: float = 0.02) -> list[ScalingPoint]:
    return [
        ScalingPoint(rows, rate, Interval(max(0.0, rate - half), rate + half))
        for rows, rate in zip(AMOUNTS, rates, strict=True)
    ]


STEADY = curve((0.55, 0.45, 0.35, 0.25, 0.15, 0.05, 0.02))
FASTER = curve((0.35, 0.25, 0.15, 0.05, 0.02, 0.02, 0.02))


def test_a_curve_four_times_as_fast_saves_three_quarters() -> None:
    found = data_saved(STEADY, FASTER, 0.2, 1000, 0)
    assert found.rows_without == pytest.approx(10_000 * 2**0.5)
    assert found.rows_with == pytest.approx(2500 * 2**0.5)
    assert found.factor == pytest.approx(4.0)
    assert found.interval and 2.5 < found.interval.low < 4 < found.interval.high < 6
    assert found.told == 1.0


def test_wider_points_give_a_wider_interval() -> None:
    wide = data_saved(
        curve(tuple(p.rate for p in STEADY), 0.06), curve(tuple(p.rate for p in FASTER), 0.06),
        0.2, 1000, 0,
    )  # fmt: skip
    narrow = data_saved(STEADY, FASTER, 0.2, 1000, 0)
    assert wide.interval and narrow.interval
    assert math.log(wide.interval.high / wide.interval.low) > 2 * math.log(
        narrow.interval.high / narrow.interval.low
    )


def test_a_rate_that_is_never_reached_is_told_as_more_than() -> None:
    stuck = curve((0.55, 0.54, 0.53, 0.53, 0.52, 0.52, 0.52))
    found = data_saved(stuck, FASTER, 0.2, 500, 0)
    assert found.rows_without == math.inf
    assert found.factor == math.inf
    assert found.interval == (math.inf, math.inf)


def test_two_arms_that_never_reach_a_rate_cannot_be_compared() -> None:
    stuck = curve((0.55, 0.54, 0.53, 0.53, 0.52, 0.52, 0.52))
    found = data_saved(stuck, stuck, 0.2, 500, 0)
    assert found.factor is None and found.interval is None
    assert found.told == 0.0


@pytest.mark.parametrize("seed", range(5))
def test_bumps_in_a_curve_are_pooled_as_isotonic_regression_does(seed: int) -> None:
    draw = np.random.default_rng(seed)
    falling = np.array([0.55, 0.45, 0.4, 0.3, 0.2, 0.1, 0.05])
    rates = tuple(np.clip(falling + draw.normal(0, 0.1, 7), 0, 1))
    pooled = isotonic_regression(rates, increasing=False).x
    expected = math.exp(np.interp(-0.3, -pooled, np.log(AMOUNTS)))
    points = [ScalingPoint(n, rate, Interval(rate - 0.02, rate + 0.02))
              for n, rate in zip(AMOUNTS, rates, strict=True)]  # fmt: skip
    assert data_saved(points, FASTER, 0.3, 50, 0).rows_without == pytest.approx(expected)


def test_a_curve_needs_two_amounts() -> None:
    with pytest.raises(ValueError, match="two or more"):
        data_saved(STEADY[:1], FASTER, 0.2, 100, 0)
