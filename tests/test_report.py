"""The report stage through ``run``: known effects come back, and every file tells the same."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml
from rich.console import Console

from msm.analysis import Analysis, Contrast
from msm.configs import ArmResult, ReportConfig
from msm.errors import UserError
from msm.execution import Execution
from msm.reporting.console import result_table
from msm.reporting.report import run
from msm.table import read_table
from tests.synthetic_report import (
    CONTRASTS,
    IDENTITY,
    SUITE,
    Cells,
    Report,
    World,
    make_report,
    write_scores,
)


@pytest.fixture(scope="module")
def additive(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """MSM moves the own frame by 1 nat on its own axis, and fine-tuning adds nothing."""
    return make_report(tmp_path_factory.mktemp("additive"), World())


def test_a_known_gap_comes_back_and_a_null_stays_a_null(additive: Report) -> None:
    gap, widening = additive.row("Gap between the specs after MSM"), additive.row("Does AFT widen")
    assert float(gap["estimate"]) == pytest.approx(1.0, abs=0.05)
    assert float(gap["low"]) <= 1.0 <= float(gap["high"])
    assert gap["reading"] == "above zero"
    assert widening["reading"] == "not distinguishable from zero"
    assert abs(float(widening["estimate"])) < 0.06
    assert float(additive.row("AFT less baseline", "price")["pairs"]) == 24


def test_the_gap_is_read_as_specific_only_if_the_other_frame_stays(
    additive: Report, tmp_path: Path
) -> None:
    assert "larger when the assistant is asked for itself" in additive.text("report.md")
    both = {"msm": 1.0, "msm+aft": 1.0}
    everybody = make_report(tmp_path, World(own=both, other=both))
    assert "no part specific to the assistant was shown" in everybody.text("report.md")
    assert "what anybody is said to prefer has moved" in everybody.text("report.md")


@pytest.mark.parametrize(
    ("own", "other", "expected"),
    [
        ({"msm": 1.0, "msm+aft": 1.0}, {}, "No stacking was shown"),
        ({"msm": 1.0, "msm+aft": 0.6}, {}, "No stacking was shown"),
        ({"msm": 1.0, "msm+aft": 1.5}, {"msm+aft": 0.5}, "No stacking was shown"),
        ({"msm": 1.0, "msm+aft": 1.5, "msm+coin": 1.0}, {}, "Stacking was shown"),
    ],
)
def test_stacking_is_claimed_only_for_a_wider_gap_that_is_the_assistants_own(
    own: Mapping[str, float], other: Mapping[str, float], expected: str, tmp_path: Path
) -> None:
    report = make_report(tmp_path, World(own=own, other=other))
    assert report.outcome.summary["verdict"].startswith(expected)
    assert report.text("reading.txt").startswith(expected)
    assert "But the gap was not shown" not in report.text("reading.txt")


def test_a_stacking_that_coin_flips_bring_too_is_doubted(tmp_path: Path) -> None:
    own = {"msm": 1.0, "msm+aft": 1.5, "msm+coin": 1.5}
    verdict = make_report(tmp_path, World(own=own)).outcome.summary["verdict"]
    assert verdict.startswith("Stacking was shown")
    assert "not shown to be larger than with coin in place of aft" in verdict


def test_erosion_is_called_erosion(tmp_path: Path) -> None:
    report = make_report(tmp_path, World(own={"msm": 1.0, "msm+aft": 0.5}))
    assert "Adding aft to msm erodes the gap" in report.text("report.md")


def test_one_seed_is_said_to_cover_word_pairs_alone(additive: Report) -> None:
    page = additive.text("report.html")
    assert "the intervals cover the choice of word pairs, not the training run" in page
    assert 'class="seed"' not in page


def test_three_seeds_show_each_value_and_widen_the_interval(
    additive: Report, tmp_path: Path
) -> None:
    report = make_report(tmp_path, World(seed_spread=0.3), seeds=(1, 2, 3))
    row, alone = (r.row("Gap between the specs after MSM") for r in (report, additive))
    by_seed = [float(value) for value in row["by_seed"].split(";")]
    assert len(by_seed) == int(row["seeds"]) == 3
    assert np.mean(by_seed) == pytest.approx(float(row["estimate"]), abs=1e-5)
    width = float(row["high"]) - float(row["low"])
    assert width > 2 * (float(alone["high"]) - float(alone["low"]))
    svg = report.text("forest.svg")
    assert svg.count('class="seed"') == 3 * svg.count('class="bar"')


def test_a_contrast_without_its_arm_is_left_out_and_named(tmp_path: Path) -> None:
    report = make_report(tmp_path, World(), arms=("baseline", "msm"))
    labels = {row["contrast"] for row in read_table(report.out / "contrasts.csv")}
    assert "Gap between the specs after MSM" in labels
    assert not any("MSM+AFT" in label for label in labels)
    assert "no scores of msm+aft:affordability" in report.text("report.html")
    assert report.outcome.summary["verdict"].startswith("Stacking was not tested")


def test_a_shuffled_control_has_its_own_section(tmp_path: Path) -> None:
    shuffled = Contrast(
        label="Explained less shuffled, gap after MSM",
        plus=("msm:{target}", "msm:{opposite}-shuffled"),
        minus=("msm:{opposite}", "msm:{target}-shuffled"),
    )
    report = make_report(
        tmp_path,
        World(),
        arms=("msm",),
        contrasts=(*CONTRASTS, shuffled),
        controls=("affordability-shuffled", "america-shuffled"),
    )
    row = report.row(shuffled.label)
    assert float(row["estimate"]) == pytest.approx(1.0, abs=0.1)
    assert row["reading"] == "above zero"
    section = report.text("report.md").split("## Control specs")[1].split("## ")[0]
    assert shuffled.label in section and "america-shuffled" in section


def test_one_axis_alone_has_no_opposite_and_still_makes_a_report(tmp_path: Path) -> None:
    raw = yaml.safe_load(SUITE.read_text(encoding="utf-8"))
    del raw["axes"]["origin"]
    suite = tmp_path / "suite.yaml"
    suite.write_text(yaml.safe_dump(raw), encoding="utf-8")
    report = make_report(tmp_path, World(), arms=("msm", "aft"), suite=suite)
    assert read_table(report.out / "contrasts.csv") == []
    assert "{opposite} needs two axes, and there are 1" in report.text("report.html")
    assert "No contrast could be taken" in report.text("report.html")
    Console(quiet=True).print(result_table(report.out))


def test_text_from_data_is_escaped(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    raw = yaml.safe_load(SUITE.read_text(encoding="utf-8"))
    raw["axes"]["price"]["spec"] = evil
    suite = tmp_path / "suite.yaml"
    suite.write_text(yaml.safe_dump(raw), encoding="utf-8")
    arm = f"msm'\"{evil}"
    contrast = Contrast(
        label=f"Gap {evil} | *x*",
        plus=(f"{arm}:{{target}}",),
        minus=(f"{arm}:{{opposite}}",),
        headline=True,
    )
    report = make_report(
        tmp_path, World(), arms=(arm,), contrasts=(contrast,), suite=suite, summary=evil
    )
    for name in ("report.html", "forest.svg"):
        assert "<script" not in report.text(name)
    assert "&lt;script&gt;" in report.text("report.html")
    ElementTree.fromstring(report.text("forest.svg"))
    table = next(line for line in report.text("report.md").splitlines() if "Gap" in line)
    assert table.count(" |") == 7 and "<script" not in re.sub(r"\\<", "", table)


def test_page_tables_and_metrics_agree(additive: Report) -> None:
    cells = Cells()
    cells.feed(additive.text("report.html"))
    assert cells.addresses == [] and cells.open == []
    metrics = json.loads(additive.text("metrics.json"))
    figures = {(m["estimate"], m["low"], m["high"], m["n"]) for m in metrics["contrasts"].values()}
    told = read_table(additive.out / "contrasts.csv")
    run_here = [c for c in CONTRASTS if not any("shuffled" in arm for arm in c.plus)]
    assert len(metrics["contrasts"]) == len(run_here)
    for row in (row for row in told if row["axis"] == "all axes"):
        values = tuple(float(row[key]) for key in ("estimate", "low", "high"))
        assert (*values, int(row["pairs"])) in figures
        written = "{} [{}, {}]".format(*(f"{v:+.2f}".replace("-", "−") for v in values))
        line = next(r for r in cells.rows if " ".join(r.split()).startswith(row["contrast"]))
        assert written in " ".join(line.split())
        assert written in additive.text("report.md")
    arms = metrics["arms"]["msm-affordability"]["price-own"]
    table = read_table(additive.out / "arms.csv")
    same = next(
        r
        for r in table
        if (r["arm"], r["spec"], r["axis"], r["frame"]) == ("msm", "affordability", "price", "own")
    )
    assert (arms["estimate"], arms["share"]["low"]) == (
        float(same["mean"]),
        float(same["share_low"]),
    )


def test_the_check_of_the_manipulation_names_the_arms_that_learnt(additive: Report) -> None:
    page = additive.text("report.md")
    assert re.search(r"wins more often than not in aft 100 % .*msm\\?\+aft:affordability", page)
    assert IDENTITY[:12] in additive.text("report.html")


def test_the_files_are_the_same_each_time(additive: Report, tmp_path: Path) -> None:
    again = make_report(tmp_path, World())
    for path in sorted(additive.out.iterdir()):
        assert path.read_bytes() == (again.out / path.name).read_bytes(), path.name


def test_scores_of_another_suite_are_refused(tmp_path: Path) -> None:
    raw = yaml.safe_load(SUITE.read_text(encoding="utf-8"))
    raw["axes"]["price"]["pairs"][0]["products"] = ["bookcase"]
    small = tmp_path / "small.yaml"
    small.write_text(yaml.safe_dump(raw), encoding="utf-8")
    result = ArmResult(arm="msm", spec="america", seed=1)
    scores = write_scores(tmp_path / "scores", small, World(), result)
    config = ReportConfig(
        experiment="x", summary="", assistant="A", specs=(), order=("a",), results={"a": result},
        analysis=Analysis(),
    )  # fmt: skip
    with pytest.raises(UserError, match="another suite"):
        run(config, {"suite": SUITE, "a": scores}, tmp_path, Execution())


def test_the_terminal_shows_the_headline_and_the_reading(additive: Report) -> None:
    console = Console(width=100, record=True, file=None, quiet=False)
    with console.capture() as capture:
        console.print(result_table(additive.out))
    shown = capture.get()
    gap = additive.row("Gap between the specs after MSM")
    assert "Gap between the specs after MSM" in shown
    assert f"{float(gap['estimate']):+.2f}" in shown
    assert "No stacking was shown" in shown
    assert "AFT less baseline" not in shown
