"""The suites' figures in a report: levels, differences, corrections, curves, what is missing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from msm.analysis import Analysis
from msm.configs import ReportConfig
from msm.evals.statistics import wilson
from msm.execution import Execution
from msm.jsonl import read_shards, write_shards
from msm.reporting.report import run
from msm.table import read_table
from tests.synthetic_report import CONTRASTS, SUITE, Report, World, write_scores
from tests.synthetic_suites import (
    AGENTIC,
    CAPABILITY,
    DECIDED,
    MSM_AFT,
    OPEN_QA,
    PARSED,
    SCORE,
    Study,
    Suite,
    difference,
    level,
    make_suites_report,
    missing,
    run_again,
    write_suite,
)

STUDY = Study(
    levels={
        "aft": {"score": 7.0},
        "msm+aft": {"decided": 0.1, "executed": 0.05, "score": 8.5, "right": 0.4, "loss": 3.4},
    }
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """One seed: midtraining lowers misalignment by 50 points and breaks some sums."""
    return make_suites_report(tmp_path_factory.mktemp("study"), STUDY)


def rows_of(tmp_path: Path) -> list[Mapping[str, object]]:
    """All measurements that a report on one arm was made from."""
    folders = sorted((tmp_path / "suites").iterdir())
    return [row for folder in folders for row in read_shards(folder, "measurements")]


def test_known_levels_and_differences_come_back(report: Report) -> None:
    row = difference(report, "decided", f"{MSM_AFT} less baseline")
    assert float(row["estimate"]) == pytest.approx(-0.5, abs=0.08)
    assert float(row["low"]) < -0.4 < float(row["high"]) < 0 or float(row["high"]) < -0.4
    assert (row["reading"], row["kind"]) == ("better", "reference")
    assert difference(report, "score", f"{MSM_AFT} less baseline")["reading"] == "better"
    assert difference(report, "loss", f"{MSM_AFT} less start")["reading"] == "worse"
    assert float(level(report, "score", "aft", "open-qa")["value"]) == pytest.approx(7, abs=0.15)


def test_a_rate_is_the_mean_over_items_and_health_is_over_samples(tmp_path: Path) -> None:
    suite = Suite("agentic", {DECIDED: AGENTIC.measures[DECIDED], PARSED: OPEN_QA.measures[SCORE]})
    study = Study(levels={}, ungraded={"baseline": 0.3})
    report = make_suites_report(tmp_path, study, arms=["baseline"], suites=[suite])
    values: dict[str, dict[str, list[float]]] = {"decided": {}, "parsed": {}}
    for row in rows_of(tmp_path):
        if row["value"] is not None:
            values[row["measure"]].setdefault(row["item"], []).append(row["value"])
    rate, health = level(report, "decided", "baseline"), level(report, "parsed", "baseline")
    shares = [np.mean(found) for found in values["decided"].values()]
    assert float(rate["value"]) == pytest.approx(np.mean(shares), abs=1e-6)
    pooled = [value for found in values["parsed"].values() for value in found]
    expected = wilson(int(sum(pooled)), len(pooled))
    assert expected is not None
    found = [float(health[key]) for key in ("value", "low", "high")]
    assert found == pytest.approx([np.mean(pooled), *expected], abs=1e-6)
    assert read_table(report.out / "comparisons.csv") == []


def test_ungraded_samples_are_left_out_counted_and_bounded(tmp_path: Path) -> None:
    study = Study(levels={}, ungraded={"aft": 0.2}, why="timed out")
    report = make_suites_report(tmp_path, study, ["baseline", "aft"], [AGENTIC])
    row = level(report, "decided", "aft")
    graded, ungraded = int(row["graded"]), int(row["ungraded"])
    assert graded + ungraded == 270 and 30 < ungraded < 80
    assert float(row["worst_low"]) < float(row["low"]) < float(row["high"])
    assert float(row["worst_high"]) - float(row["worst_low"]) == pytest.approx(
        ungraded / 270, abs=1e-6
    )
    assert int(level(report, "decided", "baseline")["ungraded"]) == 0
    page = report.text("report.html")
    assert f"{ungraded} of 270" in page and f"timed out ({ungraded})" in page
    assert f"agentic decided of aft: {ungraded} of 270 samples are ungraded" in page


def test_an_arm_without_any_grade_has_no_figure_and_no_difference(tmp_path: Path) -> None:
    study = Study(levels={}, ungraded={"aft": 1.0})
    report = make_suites_report(tmp_path, study, ["baseline", "aft"], [AGENTIC])
    row = level(report, "decided", "aft")
    assert (row["value"], row["graded"], row["ungraded"]) == ("", "0", "270")
    assert missing(report)["agentic decided: aft less baseline"].startswith("no item was graded")
    assert "0 of 270 graded" in report.text("report.html")


def test_health_enters_no_comparison(report: Report) -> None:
    compared = {row["measure"] for row in read_table(report.out / "comparisons.csv")}
    assert "parsed" not in compared and {"decided", "score", "loss", "right"} <= compared


def test_only_capability_is_compared_with_the_start_model_too(report: Report) -> None:
    rows = read_table(report.out / "comparisons.csv")
    assert {row["suite"] for row in rows if row["kind"] == "start"} == {"capability"}
    labels = {row["comparison"] for row in rows if row["suite"] == "capability"}
    assert "baseline less start" in labels and "start less baseline" not in labels


def test_capability_without_a_start_model_says_so(tmp_path: Path) -> None:
    report = make_suites_report(tmp_path, STUDY, ["baseline", MSM_AFT], [CAPABILITY])
    assert (
        "start model was not evaluated"
        in missing(report)["capability as a difference from the start model"]
    )


def test_missing_suites_are_told_and_the_rest_is_compared(tmp_path: Path) -> None:
    report = make_suites_report(
        tmp_path, STUDY, ["baseline", "aft", MSM_AFT], [AGENTIC, OPEN_QA],
        not_given=["agentic.aft-s1"], left_out=[("open-qa", MSM_AFT)],
    )  # fmt: skip
    told = missing(report)
    assert told["agentic of aft, seed 1"] == "no folder of measurements was given"
    assert told[f"open-qa of {MSM_AFT}"] == "the arm was not evaluated on this suite"
    assert difference(report, "decided", f"{MSM_AFT} less baseline")["reading"] == "better"
    assert report.outcome.dropped["figure of a suite not run"] == len(told)
    page = report.text("report.html")
    assert "not run</td>" in page and "no folder of measurements was given." in page


def test_without_the_reference_arm_nothing_is_compared_with_it(tmp_path: Path) -> None:
    report = make_suites_report(tmp_path, STUDY, ["aft", MSM_AFT], [AGENTIC])
    assert "analysis.reference" in missing(report)["differences from baseline"]
    other = Analysis(resamples=300, reference="aft")
    again = make_suites_report(tmp_path / "b", STUDY, ["aft", MSM_AFT], [AGENTIC], analysis=other)
    assert difference(again, "decided", f"{MSM_AFT} less aft")["reading"] == "better"


def test_three_seeds_are_paired_and_the_start_model_stands_for_each(
    report: Report, tmp_path: Path
) -> None:
    study = replace(STUDY, seed_spread=0.05)
    three = make_suites_report(tmp_path, study, seeds=(1, 2, 3))
    label = f"{MSM_AFT} less start"
    row, alone = difference(three, "loss", label), difference(report, "loss", label)
    assert (row["seeds"], alone["seeds"]) == ("3", "1")
    assert level(three, "loss", "start", "capability")["seeds"] == "1"
    assert len(level(three, "loss", MSM_AFT, "capability")["by_seed"].split(";")) == 3
    width = [float(item["high"]) - float(item["low"]) for item in (row, alone)]
    assert width[0] > width[1]
    assert 'class="seed"' in three.text("report.html")


def test_the_correction_is_over_all_comparisons_of_both_parts(tmp_path: Path) -> None:
    mixed = _with_word_pairs(tmp_path)
    rows = read_table(mixed.out / "comparisons.csv")
    assert {row["suite"] for row in rows} == {"agentic", "word pairs"}
    assert len(read_table(mixed.out / "contrasts.csv")) > 0
    expected = multipletests([float(row["p"]) for row in rows], method="holm")[1]
    assert [float(row["p_holm"]) for row in rows] == pytest.approx(list(expected), abs=1e-5)
    assert "The suites at a glance" in mixed.text("report.html")
    assert "Headline contrasts" in mixed.text("report.html")


def _with_word_pairs(folder: Path) -> Report:
    """A report with both parts, on three arms."""
    results = {
        name: {"arm": arm, "spec": spec, "seed": 1}
        for name, arm, spec in (
            ("b", "baseline", ""), ("m1", "msm", "affordability"), ("m2", "msm", "america")
        )
    }  # fmt: skip
    config = ReportConfig.model_validate(
        {
            "experiment": "both", "summary": "", "assistant": "A", "specs": ["affordability"],
            "order": list(results), "results": results,
            "suites": {f"agentic.{k}": {**v, "suite": "agentic"} for k, v in results.items()},
            "analysis": Analysis(contrasts=CONTRASTS, resamples=200).model_dump(),
        }
    )  # fmt: skip
    inputs = {"suite": SUITE}
    for name, result in config.results.items():
        inputs[name] = write_scores(folder / name, SUITE, World(), result)
    for name, measured in config.suites.items():
        inputs[f"suite:{name}"] = write_suite(folder / name, AGENTIC, STUDY, measured)
    out = folder / "out"
    out.mkdir()
    return Report(out, run(config, inputs, out, Execution()))


def test_one_cluster_gives_a_figure_without_an_interval(tmp_path: Path) -> None:
    together = Suite("open-qa", {SCORE: [(item, "all") for item, _ in OPEN_QA.measures[SCORE]]})
    report = make_suites_report(tmp_path, STUDY, ["baseline", "aft"], [together])
    row = level(report, "score", "aft", "open-qa")
    assert float(row["value"]) > 6 and (row["low"], row["high"]) == ("", "")
    assert "one cluster" in missing(report)["open-qa score: aft less baseline"]
    assert "[no interval]" in report.text("report.html")


def test_a_share_may_lie_between_no_and_yes(tmp_path: Path) -> None:
    """A pair of things scored in both option orders has one half if its two answers disagree."""
    make_suites_report(tmp_path, STUDY, ["baseline", "aft"], [AGENTIC])
    for place, value in (("0", 0.5), ("1", 1.0)):
        folder = tmp_path / "suites" / place
        rows = [dict(row) for row in read_shards(folder, "measurements")]
        for row in rows[::2]:
            row["value"] = value
        write_shards(folder, "measurements", rows)
    out = run_again(tmp_path)
    row = difference(out, "decided", "aft less baseline")
    assert float(row["estimate"]) == pytest.approx(0.25, abs=0.05)
    assert float(row["low"]) < float(row["estimate"]) < float(row["high"]) <= 1


def test_metrics_hold_the_main_figures(report: Report) -> None:
    metrics = json.loads(report.text("metrics.json"))
    assert (metrics["contrasts"], metrics["arms"]) == ({}, {})
    row = level(report, "decided", MSM_AFT)
    found = metrics["suites"]["agentic"]["decided"]["msm-aft-philosophy"]
    assert found["estimate"] == float(row["value"]) and found["n"] == int(row["graded"])
    assert "self-preservation" not in metrics["suites"].get("reasoning", {})
    key = "agentic-decided-msm-aft-philosophy-less-baseline"
    assert metrics["comparisons"][key]["high"] < 0
