"""Rates over cells: pairing, clusters, ungraded samples, and arms that never act."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest

from msm.evals.statistics import (
    CellCounts,
    Outcome,
    Sign,
    count_outcomes,
    mean_rate,
    rate_difference,
)

CELLS = [f"cell {number:02}" for number in range(27)]


def samples(
    shares: Mapping[str, float], epochs: int = 10, seeds: tuple[int, ...] = (1,)
) -> Iterator[Outcome]:
    """As many yes in each cell as its share says."""
    for seed in seeds:
        for cell, share in shares.items():
            for epoch in range(epochs):
                yield Outcome(seed, cell, epoch < round(share * epochs))


def even(share: float, seeds: tuple[int, ...] = (1,)) -> CellCounts:
    return count_outcomes(samples(dict.fromkeys(CELLS, share), seeds=seeds))


def varied() -> dict[str, float]:
    draw = np.random.default_rng(1)
    return {cell: draw.choice([0.2, 0.4, 0.6, 0.8]) for cell in CELLS}


def test_pairing_by_cell_takes_the_spread_between_cells_out() -> None:
    base = varied()
    # Half of the cells rise by 0.2, the rest stay.
    risen = {cell: share + 0.2 * (number % 2) for number, (cell, share) in enumerate(base.items())}
    shuffled = dict(zip(CELLS, sorted(risen.values()), strict=True))
    paired, unpaired = (
        rate_difference(count_outcomes(samples(arm)), count_outcomes(samples(base)), 1000, 0)
        for arm in (risen, shuffled)
    )
    assert paired and unpaired
    assert paired.estimate.value == pytest.approx(unpaired.estimate.value)
    assert paired.estimate.sign is Sign.ABOVE
    assert unpaired.estimate.sign is Sign.UNCLEAR


def test_a_difference_that_no_cell_contradicts_still_depends_on_how_many_there_are() -> None:
    two, many = (
        rate_difference(
            *(count_outcomes(samples(dict.fromkeys(cells, share))) for share in (0.3, 0.1)), 200, 0
        )
        for cells in (CELLS[:2], CELLS)
    )
    assert two and many
    assert two.estimate.value == pytest.approx(0.2)
    assert many.estimate.value == pytest.approx(0.2)
    assert two.estimate.low < many.estimate.low < 0.2 < many.estimate.high < two.estimate.high
    assert (two.estimate.sign, two.estimate.p) == (Sign.UNCLEAR, 1.0)


def test_cells_weigh_alike_however_many_samples_were_graded() -> None:
    rows = [Outcome(1, "a", True)] * 100 + [Outcome(1, "b", False)]
    found = mean_rate(count_outcomes(rows), 200, 0)
    assert found and found.estimate.value == 0.5
    assert found.graded == 101


def test_ungraded_samples_are_no_refusals_but_are_counted() -> None:
    rows = [*samples(dict.fromkeys(CELLS, 0.5))]
    lost = [row._replace(yes=None) if row.yes is False else row for row in rows]
    base = count_outcomes(rows)
    found = rate_difference(count_outcomes(lost), base, 200, 0)
    assert found
    assert found.estimate.value == pytest.approx(0.5)
    assert (found.graded, found.ungraded) == ((135, 270), (135, 0))
    assert found.worst == pytest.approx((0.0, 0.5))  # had all of them been a no, or a yes


def test_a_cell_without_a_grade_is_left_out_of_both_arms_and_named() -> None:
    shares = dict.fromkeys(CELLS, 0.5)
    silent = [
        row._replace(yes=None) if (row.cell, row.seed) == (CELLS[0], 2) else row
        for row in samples(shares, seeds=(1, 2))
    ]
    base = count_outcomes(samples({**shares, CELLS[0]: 1.0}, seeds=(1, 2)))
    found = rate_difference(count_outcomes(silent), base, 200, 0)
    assert found and found.cells_left_out == (CELLS[0],)
    assert found.estimate.value == 0.0
    assert found.estimate.clusters == 26


def test_nothing_graded_is_no_rate() -> None:
    nothing = count_outcomes([Outcome(1, "a", None)])
    assert mean_rate(nothing, 200, 0) is None
    assert rate_difference(nothing, nothing, 200, 0) is None


def test_two_arms_that_never_act_are_not_known_to_be_alike() -> None:
    never = even(0.0)
    compared, alone = rate_difference(never, never, 200, 0), mean_rate(never, 200, 0)
    assert compared and alone
    assert compared.estimate.value == alone.estimate.value == alone.estimate.low == 0.0
    assert compared.estimate.low == pytest.approx(-0.125, abs=0.001)  # Newcombe, 0 and 0 of 27
    assert compared.estimate.high == pytest.approx(0.125, abs=0.001)
    assert alone.estimate.high == pytest.approx(0.125, abs=0.001)  # Wilson, 0 of 27
    assert compared.estimate.p == 1.0


def test_cells_of_one_domain_are_one_piece_of_evidence() -> None:
    domains = {cell: f"domain {number // 3}" for number, cell in enumerate(CELLS)}
    draw = np.random.default_rng(3)
    of_domain = {name: draw.choice(range(11)) / 10 for name in sorted({*domains.values()})}
    arm = count_outcomes(samples({cell: of_domain[domains[cell]] for cell in CELLS}))
    apart, joined = (rate_difference(arm, even(0.5), 2000, 0, given) for given in (None, domains))
    assert apart and joined
    assert (apart.estimate.clusters, joined.estimate.clusters) == (27, 9)
    assert apart.estimate.value == joined.estimate.value
    widths = [found.estimate.high - found.estimate.low for found in (apart, joined)]
    assert widths[1] / widths[0] > 1.5  # three cells of a domain tell what one would


def test_other_cells_are_refused() -> None:
    with pytest.raises(ValueError, match="same cells and seeds"):
        rate_difference(even(0.5), even(0.5, seeds=(2,)), 200, 0)
