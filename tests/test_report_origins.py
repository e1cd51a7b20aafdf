"""``figures.json``: every figure of the tables is there, with the scores that it comes from."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import pytest

from msm.analysis import Analysis, Contrast, CurvePoint, Scaling
from msm.errors import UserError
from msm.evals.items import slug
from msm.reporting.origins import FIGURES, Figure, read_origins
from msm.table import read_table
from tests.synthetic_report import IDENTITY, Report, World, make_report
from tests.synthetic_suites import Study, make_suites_report

ANALYSIS = Analysis(
    resamples=200,
    contrasts=(
        Contrast(
            label="Both less aft",
            plus=("msm+aft:philosophy",),
            minus=("aft",),
            suite="agentic",
            measure="decided",
            headline=True,
        ),
    ),
    scaling=(
        Scaling(
            label="Rows saved",
            suite="agentic",
            measure="decided",
            without=(CurvePoint(arm="baseline", rows=10), CurvePoint(arm="aft", rows=100)),
            with_midtraining=(
                CurvePoint(arm="start", rows=10),
                CurvePoint(arm="msm+aft:philosophy", rows=100),
            ),
        ),
    ),
)


@pytest.fixture(scope="module")
def suites(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Four arms on four suites, two seeds of all but the start model."""
    folder = tmp_path_factory.mktemp("suites")
    return make_suites_report(
        folder, Study({"aft": {"decided": 0.2}}), seeds=(1, 2), analysis=ANALYSIS
    )


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Word pairs of five arms in two seeds."""
    return make_report(tmp_path_factory.mktemp("pairs"), World(), seeds=(1, 2))


def _figures(report: Report) -> Mapping[str, Figure]:
    return read_origins(report.out).figures


def _is(figure: float | None, cell: str) -> bool:
    return (
        figure is None if cell == "" else figure is not None and math.isclose(figure, float(cell))
    )


def _key(row: Mapping[str, str], suite: str, measure: str) -> str:
    return "/".join(part for part in (suite, row["arm"], row["spec"], slug(measure)) if part)


def test_every_level_of_a_suite_names_its_arms_folders(suites: Report) -> None:
    figures = _figures(suites)
    rows = read_table(suites.out / "suites.csv")
    assert rows
    for row in rows:
        figure = figures[_key(row, row["suite"], row["measure"])]
        assert _is(figure.estimate, row["value"]) and _is(figure.low, row["low"])
        assert figure.n == int(row["graded"]) and figure.role == row["role"]
        label = "-".join(part for part in (row["arm"], row["spec"]) if part)
        expected = {f"suite:{row['suite']}.{label}-s{seed}" for seed in row["seeds"].split(";")}
        assert set(figure.sources) == expected


def test_a_comparison_names_both_sides_and_the_untrained_arm(suites: Report) -> None:
    figures = _figures(suites)
    metrics = json.loads(suites.text("metrics.json"))
    assert metrics["comparisons"]
    for name, told in metrics["comparisons"].items():
        assert figures[f"comparisons/{name}"].estimate == told["estimate"]
    sides = figures["comparisons/agentic-decided-both-less-aft"].sources
    assert set(sides) == {
        f"suite:agentic.{arm}-s{seed}" for arm in ("aft", "msm+aft-philosophy") for seed in (1, 2)
    }
    against_start = figures["comparisons/capability-right-aft-less-start"].sources
    assert set(against_start) == {f"suite:capability.{n}" for n in ("aft-s1", "aft-s2", "start-s1")}
    rows = read_table(suites.out / "comparisons.csv")
    assert len(rows) == sum(key.startswith("comparisons/") for key in figures)


def test_a_cell_of_the_agentic_suite_has_the_sources_of_its_arm(suites: Report) -> None:
    figures = _figures(suites)
    rows = read_table(suites.out / "cells.csv")
    assert rows
    for row in rows:
        whole = _key(row, "agentic", row["measure"])
        figure = figures[f"{whole}/{slug(row['action'] + ' ' + row['goal'])}"]
        assert _is(figure.estimate, row["share"]) and figure.n == int(row["graded"])
        assert figure.sources == figures[whole].sources


def test_a_saving_names_every_point_of_both_curves(suites: Report) -> None:
    figure = _figures(suites)["scaling/rows-saved"]
    assert {name.removeprefix("suite:agentic.")[:-3] for name in figure.sources} == {
        "start", "baseline", "aft", "msm+aft-philosophy"
    }  # fmt: skip


def test_every_arm_and_contrast_of_word_pairs_names_its_scores(pairs: Report) -> None:
    origins = read_origins(pairs.out)
    for row in read_table(pairs.out / "arms.csv"):
        figure = origins.figures[_key(row, "word-pairs", f"{row['axis']} {row['frame']}")]
        assert _is(figure.estimate, row["mean"]) and len(figure.sources) == int(row["seeds"])
        share = origins.figures[_key(row, "word-pairs", f"{row['axis']} {row['frame']} share")]
        assert _is(share.estimate, row["share_won"]) and share.sources == figure.sources
    metrics = json.loads(pairs.text("metrics.json"))["contrasts"]
    for name, told in metrics.items():
        figure = origins.figures[f"contrasts/{name}"]
        assert (figure.estimate, figure.n) == (told["estimate"], told["n"])
        assert figure.seeds == (1, 2) and figure.sources
    assert set(origins.identities.values()) == {IDENTITY}


def test_the_main_figures_of_an_arm_are_those_on_its_own_axis(pairs: Report) -> None:
    main = {key for key, figure in _figures(pairs).items() if figure.role == "main"}
    assert "word-pairs/msm/affordability/price-own" in main
    assert "word-pairs/msm/affordability/origin-own" not in main
    assert "word-pairs/msm/affordability/price-other" not in main


@pytest.mark.parametrize("content", ["", "[]", '{"figures": {"a": {}}, "identities": {}}', "{}"])
def test_a_spoilt_file_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / FIGURES).write_text(content)
    with pytest.raises(UserError, match="cannot be read"):
        read_origins(tmp_path)


def test_the_same_scores_give_the_same_file(pairs: Report, tmp_path: Path) -> None:
    again = make_report(tmp_path, World(), seeds=(1, 2))
    assert again.text(FIGURES) == pairs.text(FIGURES)
