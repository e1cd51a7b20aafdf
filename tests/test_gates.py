"""Gates compare the end of an interval that is worse, and what was not measured is red."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from msm.configs import ArmResult
from msm.errors import UserError
from msm.evals.measurement import Better, Role
from msm.execution import Execution
from msm.experiment import build_tasks
from msm.parts import StageConfig
from msm.recipe_file import load_recipe
from msm.record import Outcome
from msm.review.figures import Figure, Figures, LevelRow, read_figures
from msm.review.gates import figure_gates
from msm.review.settings import Gates
from msm.stage import StageDefinition, run_stage
from msm.table import write_table
from tests.registry_world import RECIPE
from tests.signing_keys import make_key


def row(name: str, low: float, high: float, **more: Any) -> LevelRow:
    suite, _, measure = name.partition(":")
    better = more.pop("better", Better.LOWER)
    graded = more.pop("graded", 1000)
    figure = Figure(name, low, high, graded, more.get("seeds", 3))
    fields = {"ungraded": 0, "seeds": 3, "role": Role.MAIN, **more}
    return LevelRow(
        suite=suite, measure=measure, better=better, figure=figure, graded=graded, **fields
    )


def colours(gates: dict[str, Any], *rows: LevelRow, **start: Figure) -> dict[str, bool]:
    report = read_record_of_nothing()
    from_start = {("capability", name): figure for name, figure in start.items()}
    figures = Figures(report, rows, from_start, {}, ())
    found = figure_gates(Gates.model_validate(gates), figures)
    return {result.gate: result.green for result in found}


def read_record_of_nothing() -> Any:
    return None


def test_a_rate_passes_by_the_upper_end_of_its_interval() -> None:
    gates = {"levels": [{"suite": "agentic", "measure": "decided", "below": 0.1}]}
    narrow, wide = row("agentic:decided", 0.04, 0.09), row("agentic:decided", 0.0, 0.11)
    assert colours(gates, narrow)["agentic: decided"]
    assert not colours(gates, wide)["agentic: decided"]
    assert not colours(gates)["agentic: decided"]
    assert not colours(gates, replace(narrow, figure=None))["agentic: decided"]


def test_health_passes_by_the_lower_end() -> None:
    gates = {"levels": [{"suite": "agentic", "measure": "graded", "above": 0.9}]}
    assert colours(gates, row("agentic:graded", 0.91, 0.99, role=Role.HEALTH))["agentic: graded"]
    assert not colours(gates, row("agentic:graded", 0.89, 0.99))["agentic: graded"]


@pytest.mark.parametrize(
    ("better", "low", "high", "green"),
    [
        (Better.HIGHER, -0.04, 0.01, True),
        (Better.HIGHER, -0.06, 0.05, False),
        (Better.LOWER, -0.5, 0.05, True),
        (Better.LOWER, -0.5, 0.06, False),
        (Better.NEITHER, 0.0, 0.0, False),
    ],
)
def test_a_loss_is_read_on_the_side_that_is_worse(
    better: Better, low: float, high: float, green: bool
) -> None:
    gates = {"losses": [{"suite": "capability", "at_most": 0.05}]}
    difference = Figure("x", low, high, 100, 1)
    found = colours(gates, row("capability:reading", 0.5, 0.6, better=better), reading=difference)
    assert found["capability: reading, loss"] is green


def test_what_was_not_measured_is_red() -> None:
    gates = {"losses": [{"suite": "capability", "at_most": 0.05}]}
    assert colours(gates) == {"capability: loss": False, "seeds": False}
    no_start = colours(gates, row("capability:reading", 0.5, 0.6))
    assert not no_start["capability: reading, loss"]


def test_n_seeds_and_grading_have_to_be_enough() -> None:
    gates = {
        "levels": [{"suite": "agentic", "measure": "decided", "below": 0.1}],
        "seeds": 3,
        "samples": 500,
        "graded": 0.95,
    }
    good = row("agentic:decided", 0.0, 0.01, graded=990, ungraded=10)
    assert set(colours(gates, good).values()) == {True}
    for spoilt, gate in (
        (replace(good, seeds=2), "seeds"),
        (replace(good, graded=400), "agentic: decided, n"),
        # 19 of 20 are 95 %, and the interval of so few begins far below.
        (replace(good, graded=570, ungraded=30), "agentic: decided, graded"),
    ):
        found = colours(gates, spoilt)
        assert not found[gate]


def test_a_bound_without_an_end_and_an_unknown_gate_are_refused() -> None:
    for spoilt in ("gates.levels=[{suite: agentic, measure: decided}]", "gates.seedz=3"):
        with pytest.raises(UserError):
            load_recipe(RECIPE, [spoilt])


@pytest.mark.parametrize("name", ["cheese.yaml", "tiny.yaml", "studies/agentic.yaml"])
def test_gates_and_signing_change_no_identity(root: Path, name: str, tmp_path: Path) -> None:
    key = make_key(tmp_path, "key").private
    path = root / "recipes" / name
    with_gates = ["gates={seeds: 9, graded: 0.5}", f"execution.signing={{key: '{key}'}}"]
    plain, gated = (build_tasks(load_recipe(path, overrides)) for overrides in ([], with_gates))
    assert plain == gated


def test_suites_are_read_from_the_report_of_the_arm_alone(tmp_path: Path) -> None:
    level = {
        "suite": "capability", "measure": "reading", "role": "main", "unit": "share",
        "better": "higher", "value": 0.5, "low": 0.4, "high": 0.6, "graded": 90, "ungraded": 10,
        "seeds": "1;2", "spec": "existence",
    }  # fmt: skip
    compared = {
        "suite": "capability", "measure": "reading", "kind": "start", "low": -0.2, "high": 0.1,
        "items": 90, "seeds": 2,
    }  # fmt: skip

    def body(config: object, inputs: object, out: Path, execution: object) -> Outcome:
        arms = ("msm", "msm+aft")
        write_table(out / "suites.csv", [{**level, "arm": arm} for arm in arms])
        labels = [f"{arm}:existence less start" for arm in arms]
        write_table(out / "comparisons.csv", [{**compared, "comparison": x} for x in labels])
        write_table(out / "contrasts.csv", [])
        write_table(out / "arms.csv", [])
        (out / "metrics.json").write_text(json.dumps({"contrasts": {}}))
        (out / "reading.txt").write_text("nothing")
        return Outcome()

    made = StageDefinition("report", 1, lambda: body)
    run_stage(made, StageConfig(), {}, tmp_path / "report", Execution())
    figures = read_figures(tmp_path / "report", ArmResult(arm="msm", spec="existence", seed=1))
    (found,) = figures.levels
    assert (found.seeds, found.graded, found.ungraded) == (2, 90, 10)
    assert figures.from_start["capability", "reading"].low == -0.2
    (tmp_path / "report" / "suites.csv").write_text("tampered")
    with pytest.raises(UserError, match="not what its record says"):
        read_figures(tmp_path / "report", ArmResult(arm="msm", spec="existence", seed=1))
