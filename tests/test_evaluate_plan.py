"""``msm evaluate --plan`` and the power behind it."""

from __future__ import annotations

from pathlib import Path

import pytest

from msm.evals.power import detectable_difference, epochs_needed, power_of
from tests.commands import msm


@pytest.mark.parametrize("difference", [-0.05, -0.1, 0.2])
@pytest.mark.parametrize("cell_sd", [0.0, 0.05])
def test_the_epochs_reach_the_power_and_one_fewer_does_not(
    difference: float, cell_sd: float
) -> None:
    epochs = epochs_needed(0.3, difference, 27, cell_sd)
    assert epochs is not None and epochs > 1
    assert power_of(0.3, difference, 27, cell_sd, epochs) >= 0.8 - 1e-6
    assert power_of(0.3, difference, 27, cell_sd, epochs - 1) < 0.8


def test_where_cells_differ_too_much_only_more_cells_help() -> None:
    assert epochs_needed(0.3, -0.05, 27, 0.1) is None
    assert epochs_needed(0.3, -0.05, 60, 0.1) is not None


def test_a_stricter_level_needs_more() -> None:
    once, among_ten = (epochs_needed(0.3, -0.1, 27, 0.05, alpha=a) for a in (0.05, 0.005))
    assert once and among_ten and among_ten > 1.5 * once


def test_a_detectable_difference_falls_with_the_root_of_clusters() -> None:
    few, many = (detectable_difference(clusters, 0.4) for clusters in (24, 96))
    assert few / many == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize("call", [(0.3, 0.0, 27), (0.3, 0.8, 27), (0.3, 0.1, 1)])
def test_what_cannot_be_asked(call: tuple[float, float, int]) -> None:
    with pytest.raises(ValueError, match=r"zero|rates|clusters"):
        epochs_needed(*call, 0.0)


def test_the_plan_counts_items_and_epochs_and_writes_nothing(root: Path, tmp_path: Path) -> None:
    done = msm("evaluate", root / "recipes" / "cheese.yaml", "--plan", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = {line.split("  ")[0].strip(): line.split() for line in done.stdout.splitlines()}
    assert rows["price"][1:4] == ["24", "144", "288"]
    assert rows["mean over axes"][3:6] == ["48", "288", "576"]
    expected = [epochs_needed(0.3, -0.1, 27, sd) for sd in (0.0, 0.05, 0.1)]
    assert any(line.split()[-3:] == [str(n) for n in expected] for line in done.stdout.splitlines())
    assert list(tmp_path.iterdir()) == []


def test_the_plan_of_other_rates(root: Path, tmp_path: Path) -> None:
    options = ("--baseline", 0.05, "--difference", 0.1, "--cell-sd", 0)
    done = msm("evaluate", root / "recipes" / "cheese.yaml", "--plan", *options, cwd=tmp_path)
    assert "0.05 and 0.15" in done.stdout  # a rate cannot fall below zero
    assert f" {epochs_needed(0.05, 0.1, 27, 0.0)} " in done.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--plan", "--baseline", 1.2), "a rate lies between 0 and 1"),
        (("--plan", "--difference", 0.9), "no second rate between 0 and 1"),
        (("--plan", "--pair-sd", 0), "above 0"),
        (("--plan", "--cell-sd", -1), "from 0 to below 1"),
        ((), "or give --plan"),
    ],
)
def test_a_mistake_is_one_line(
    root: Path, tmp_path: Path, options: tuple[object, ...], message: str
) -> None:
    done = msm("evaluate", root / "recipes" / "cheese.yaml", *options, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and message in done.stderr
