"""The recipe's analysis on suites: contrasts, curves, published figures; and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from msm.analysis import Analysis, Contrast, CurvePoint, Expected, Scaling
from msm.configs import ArmResult, ReportConfig, SuiteResult
from msm.errors import UserError
from msm.jsonl import read_shards, write_shards
from msm.recipe_file import load_recipe
from msm.table import read_table
from tests.synthetic_report import ROOT
from tests.synthetic_suites import (
    AGENTIC,
    MSM_AFT,
    Study,
    difference,
    level,
    make_suites_report,
    missing,
    run_again,
)

STUDY = Study(levels={"msm+aft": {"decided": 0.1, "executed": 0.05}})


def test_contrasts_of_the_recipe_are_taken_on_suites(tmp_path: Path) -> None:
    on = {"suite": "agentic", "measure": "decided"}
    contrasts = (
        Contrast(label="pair", plus=("msm+aft",), minus=("baseline",), headline=True, **on),
        Contrast(label="both", plus=("msm+aft", "baseline"), minus=("aft", "start"), **on),
        Contrast(label="gone", plus=("msm+x",), minus=("aft",), **on),
        Contrast(label="odd", plus=("aft",), minus=("baseline",), suite="agentic", measure="x"),
    )
    analysis = Analysis(resamples=300, contrasts=contrasts)
    report = make_suites_report(tmp_path, STUDY, suites=[AGENTIC], analysis=analysis)
    pair = difference(report, "decided", "pair")
    same = difference(report, "decided", f"{MSM_AFT} less baseline")
    assert pair["estimate"] == same["estimate"] and pair["headline"] == "1"
    shares = {
        arm: float(level(report, "decided", arm)["value"])
        for arm in (MSM_AFT, "baseline", "aft", "start")
    }
    expected = shares[MSM_AFT] + shares["baseline"] - shares["aft"] - shares["start"]
    assert float(difference(report, "decided", "both")["estimate"]) == pytest.approx(expected)
    assert missing(report)["gone"] == "agentic decided was not measured for msm+x"
    assert "no arm has the measure 'x'" in missing(report)["odd"]
    assert report.outcome.summary["verdict"].startswith("pair: −")


def test_a_known_saving_is_read_off_the_curves(tmp_path: Path) -> None:
    amounts = (1_000, 4_000, 16_000, 64_000)
    rates = dict(zip(amounts, (0.7, 0.5, 0.3, 0.1), strict=True))
    levels = {f"aft-{rows}": {"decided": rate} for rows, rate in rates.items()}
    levels |= {f"msm-{rows}": {"decided": max(0.02, rate - 0.2)} for rows, rate in rates.items()}
    curves = [
        tuple(CurvePoint(arm=f"{name}-{rows}", rows=rows) for rows in amounts)
        for name in ("aft", "msm")
    ]
    on = {"suite": "agentic", "measure": "decided", "without": curves[0]}
    gone = (*curves[1][:1], CurvePoint(arm="no-such", rows=9))
    analysis = Analysis(
        resamples=500,
        scaling=(
            Scaling(with_midtraining=curves[1], **on),
            Scaling(label="half", with_midtraining=gone, **on),
        ),
    )
    study = Study(levels=levels, epochs=40)
    arms = ["baseline", *levels]
    report = make_suites_report(tmp_path, study, arms, [AGENTIC], analysis=analysis)
    rows = read_table(report.out / "scaling.csv")
    assert len(rows) == 8
    assert float(rows[0]["factor_low"]) < 4 < float(rows[0]["factor_high"])
    assert float(rows[0]["factor"]) == pytest.approx(4, rel=0.5)
    told = missing(report)
    assert told["half, with midtraining"] == "not measured: no-such"
    assert "two amounts" in told["half"]


def test_published_figures_stand_beside_ours(tmp_path: Path) -> None:
    def published(arm: str, value: float) -> Expected:
        return Expected(suite="agentic", measure="decided", arm=arm, value=value, source="Fig 4")

    figures = tuple(published(*item) for item in (("baseline", 0.68), ("aft", 0.9), ("gone", 0.1)))
    analysis = Analysis(resamples=300, expected=figures)
    report = make_suites_report(tmp_path, STUDY, suites=[AGENTIC], analysis=analysis)
    rows = {row["arm"]: row for row in read_table(report.out / "expected.csv")}
    assert rows["baseline"]["place"] == "inside our interval"
    assert rows["aft"]["place"] == "above our interval"
    assert (rows["gone"]["ours"], rows["gone"]["place"]) == ("", "not told")
    assert "nothing of ours beside it" in missing(report)["agentic decided of gone"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": 2.0}, "is no share"),
        ({"measure": "unknown"}, "does not name"),
        ({"cluster": "elsewhere"}, "lies in two clusters"),
    ],
)
def test_measurements_that_cannot_be_right_are_refused(
    change: Mapping[str, object], message: str, tmp_path: Path
) -> None:
    folder = _one_more(tmp_path)
    rows = [dict(row) for row in read_shards(folder, "measurements")]
    rows[0].update(change)
    write_shards(folder, "measurements", rows)
    with pytest.raises(UserError, match=message):
        run_again(tmp_path)


def test_folders_that_describe_a_measure_in_two_ways_are_refused(tmp_path: Path) -> None:
    path = _one_more(tmp_path) / "measures.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"lower"', '"higher"'), "utf-8")
    with pytest.raises(UserError, match="in two ways"):
        run_again(tmp_path)
    path.write_text('{"suite": "preference", "measures": []}', encoding="utf-8")
    with pytest.raises(UserError, match="holds the suite 'preference'"):
        run_again(tmp_path)
    path.unlink()
    with pytest.raises(UserError, match="cannot be read"):
        run_again(tmp_path)


def _one_more(tmp_path: Path) -> Path:
    make_suites_report(tmp_path, STUDY, ["baseline", "aft"], [AGENTIC])
    return tmp_path / "suites" / "1"


def test_a_report_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no scores to compare"):
        make_suites_report(tmp_path, STUDY, [], [])


def test_recipes_without_suites_keep_the_identity_of_their_report() -> None:
    analysis = Analysis(contrasts=(Contrast(label="a", plus=("x",), minus=("y",)),))
    config = ReportConfig(
        experiment="e", summary="", assistant="A", specs=("s",), order=("r",),
        results={"r": ArmResult(arm="x", spec="", seed=1)}, analysis=analysis,
    )  # fmt: skip
    assert config.identity_fields() == {
        "experiment": "e", "summary": "", "assistant": "A", "specs": ["s"], "order": ["r"],
        "results": {"r": {"arm": "x", "spec": "", "seed": 1}},
        "analysis": {
            "contrasts": [
                {"label": "a", "plus": ["x"], "minus": ["y"], "frame": "own", "headline": False}
            ],
            "resamples": 10_000, "seed": 0, "notes": [],
        },
    }  # fmt: skip
    measured = {"m": SuiteResult(arm="x", spec="", seed=1, suite="agentic")}
    with_suites = config.model_copy(update={"suites": measured, "suite_order": ("m",)})
    assert with_suites.identity_fields()["suites"]["m"]["suite"] == "agentic"
    full = Analysis(
        resamples=200,
        contrasts=(Contrast(label="b", plus=("x",), suite="agentic", measure="decided"),),
        expected=(
            Expected(suite="agentic", measure="decided", arm="x", value=0.68, source="Fig 4"),
        ),
    )
    other = config.model_copy(update={"analysis": full})
    fields = other.identity_fields()["analysis"]
    assert fields["expected"][0]["value"] == 0.68 and fields["contrasts"][0]["suite"] == "agentic"


@pytest.mark.parametrize(
    ("added", "message"),
    [
        ("contrasts: [{label: a, plus: [msm], suite: agentic}]", "'suite' and 'measure' go"),
        (
            "contrasts: [{label: a, plus: ['msm:{target}'], suite: agentic, measure: decided}]",
            "belong to the axes",
        ),
        (
            "scaling: [{suite: a, measure: b, without: [{arm: x, rows: 1}, {arm: y, rows: 1}], "
            "with_midtraining: [{arm: x, rows: 1}, {arm: y, rows: 2}]}]",
            "an amount of rows twice",
        ),
        ("expected: [{suite: a, measure: b, arm: c, valeu: 1, source: d}]", "did you mean"),
    ],
)
def test_mistakes_in_the_analysis_are_told(added: str, message: str, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    parent = ROOT / "recipes" / "tiny.yaml"
    recipe.write_text(f"extends: {parent}\nanalysis:\n  {added}\n", encoding="utf-8")
    with pytest.raises(UserError, match=message):
        load_recipe(recipe)
