"""Gates compare interval ends, and a promotion takes green ones of exactly this version."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from msm.configs import ArmResult
from msm.errors import UserError
from msm.evals.measurement import Better, Role
from msm.execution import Execution
from msm.experiment import build_tasks
from msm.parts import StageConfig
from msm.recipe_file import load_recipe
from msm.record import COMMIT_VARIABLE, Outcome, code_state, read_record
from msm.registry.reviews import AUTHOR, Reviewed, open_registry
from msm.review.decisions import STATUS, Person, Promotion, promote
from msm.review.figures import Figure, Figures, LevelRow, read_figures
from msm.review.gates import figure_gates
from msm.review.settings import Gates, Reviewers
from msm.review.standing import Signers
from msm.review.verdict import DIGEST_TAG, VERDICT_TAG
from msm.signing.settings import Signing
from msm.signing.signature import sign_path
from msm.stage import StageDefinition, run_stage
from msm.table import write_table
from tests.commands import msm
from tests.registry_world import RECIPE, SUITE
from tests.review_world import (
    CONTRAST,
    GREEN_GATES,
    Workspace,
    make_workspace,
    verdict_of,
)
from tests.signing_keys import make_key


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    from msm.registry.database import make_database

    root = tmp_path_factory.mktemp("workspace")
    uri = f"sqlite:///{root / 'mlflow.db'}"
    make_database(uri)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True
    )
    with pytest.MonkeyPatch.context() as patch, open_registry(uri) as registry:
        patch.setenv(COMMIT_VARIABLE, head.stdout.strip())  # as of a tree without changes
        code_state.cache_clear()
        yield make_workspace(root, registry)
    code_state.cache_clear()


@pytest.fixture
def _there(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow looks a version's model up through the process-wide store."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", workspace.uri)


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


def run_gate(workspace: Workspace, version: Reviewed, recipe: Path, *more: str) -> Any:
    reference = f"{version.model}/{version.version}"
    return msm("gate", reference, "--recipe", recipe, *more, cwd=workspace.root)


@pytest.mark.usefixtures("_there")
def test_green_gates_are_told_tagged_and_kept(workspace: Workspace) -> None:
    (version,) = workspace.candidates()
    done = run_gate(workspace, version, workspace.recipe(GREEN_GATES))
    assert done.returncode == 0, done.stdout + done.stderr
    for word in (CONTRAST, "decontaminated", "adapter applied", "files", "report"):
        assert word in done.stdout
    now = workspace.registry.version(version.model, version.version)
    assert now and now.tags[VERDICT_TAG] == "green"
    kept = workspace.registry.client.list_artifacts(version.run_id, "gate")
    assert any(now.tags[DIGEST_TAG][:12] in item.path for item in kept)


@pytest.mark.usefixtures("_there")
def test_red_gates_are_told_and_exit_1(workspace: Workspace) -> None:
    (version,) = workspace.candidates()
    gates = {**GREEN_GATES, "contrasts": [{"contrast": CONTRAST, "above": 100.0}], "seeds": 2}
    done = run_gate(workspace, version, workspace.recipe(gates))
    assert done.returncode == 1
    now = workspace.registry.version(version.model, version.version)
    assert now and now.tags["msm.gate.red"] == f"{CONTRAST}, seeds"


@pytest.mark.usefixtures("_there")
def test_a_tag_does_not_open_the_gate(workspace: Workspace) -> None:
    """Green is what is found now, not what a tag says was found."""
    (version,) = workspace.candidates()
    recipe = workspace.recipe({**GREEN_GATES, "seeds": 2})
    workspace.registry.tag(version, {VERDICT_TAG: "green", "msm.gate.red": "none"})
    reference = f"{version.model}/1"
    asked = ("promote", reference, "--as", "champion", "--reason", "it says green")
    done = msm(*asked, "--recipe", recipe, cwd=workspace.root)
    assert done.returncode == 2 and "red gates: seeds" in done.stderr
    assert workspace.registry.aliases(version.model) == {}


@pytest.mark.usefixtures("_there")
def test_the_tags_of_a_version_have_to_be_true(workspace: Workspace) -> None:
    (version,) = workspace.candidates(**{"msm.digest": "0" * 64})
    done = run_gate(workspace, version, workspace.recipe(GREEN_GATES))
    assert done.returncode == 1 and "RED    files" in done.stdout


@pytest.mark.usefixtures("_there")
def test_data_that_was_not_compared_with_the_evaluation_is_red(
    workspace: Workspace, tmp_path: Path
) -> None:
    """As if the curated corpus had been screened against another file of items."""
    shutil.copytree(workspace.root / "outputs", tmp_path / "outputs")
    for path in tmp_path.glob("outputs/cheese/curate/*/record.json"):
        raw = json.loads(path.read_text())
        raw["inputs"]["suite"]["digest"] = "0" * 64
        path.write_text(json.dumps(raw))
    (version,) = workspace.candidates()
    recipe = workspace.recipe(GREEN_GATES)
    done = run_gate(workspace, version, recipe, "--workspace", str(tmp_path))
    assert done.returncode == 1, done.stderr
    assert "RED    decontaminated" in done.stdout and "was not compared with" in done.stdout


@pytest.mark.usefixtures("_there")
def test_an_audit_that_finds_something_is_red(workspace: Workspace, tmp_path: Path) -> None:
    shutil.copytree(workspace.root / "outputs", tmp_path / "outputs")
    (version,) = workspace.candidates()
    recipe = workspace.recipe({**GREEN_GATES, "audit": True})
    sound = run_gate(workspace, version, recipe)
    assert sound.returncode == 0, sound.stdout + sound.stderr
    for file in tmp_path.glob("outputs/cheese/train/*/adapter_model.safetensors"):
        file.write_bytes(file.read_bytes()[:-1] + b"!")
    done = run_gate(workspace, version, recipe, "--workspace", str(tmp_path))
    assert done.returncode == 1 and "RED    audit" in done.stdout
    assert "adapter_model.safetensors" in done.stdout


@pytest.mark.usefixtures("_there")
def test_an_adapter_that_nobody_probed_is_red(workspace: Workspace, tmp_path: Path) -> None:
    shutil.copytree(workspace.root / "outputs", tmp_path / "outputs")
    for path in tmp_path.glob("outputs/cheese/evaluate/msm+aft-*/record.json"):
        raw = json.loads(path.read_text())
        raw["outcome"]["summary"] = {}
        path.write_text(json.dumps(raw))
    (version,) = workspace.candidates()
    recipe = workspace.recipe(GREEN_GATES)
    done = run_gate(workspace, version, recipe, "--workspace", str(tmp_path))
    assert done.returncode == 1 and "RED    adapter applied" in done.stdout


@pytest.mark.usefixtures("_there")
def test_the_recipe_is_found_by_the_experiment(workspace: Workspace) -> None:
    (workspace.root / "recipes").mkdir(exist_ok=True)
    content = {"extends": str(RECIPE), "gates": {**GREEN_GATES, "seeds": 7}}
    (workspace.root / "recipes" / "mine.yaml").write_text(yaml.safe_dump(content))
    (version,) = workspace.candidates()
    done = msm("gate", f"{version.model}/1", cwd=workspace.root)
    assert done.returncode == 1 and "at least 7" in done.stdout


@pytest.mark.usefixtures("_there")
def test_an_override_stays_visible(workspace: Workspace) -> None:
    (version,) = workspace.candidates()
    recipe = workspace.recipe({**GREEN_GATES, "seeds": 2})
    asked = ("promote", f"{version.model}/1", "--as", "champion", "--override", "--recipe", recipe)
    assert msm(*asked, "--reason", " ", cwd=workspace.root).returncode == 2
    reason = "the demo is tomorrow"
    done = msm(*asked, "--reason", reason, "--reviewer", "bea", cwd=workspace.root)
    assert done.returncode == 0, done.stderr
    now = workspace.registry.version(version.model, "1")
    assert now and now.aliases == ("champion",)
    assert reason in now.tags["msm.override.1"] and "seeds" in now.tags["msm.override.1"]
    assert reason in now.description and "against red gates" in now.description
    shown = msm("history", version.model, cwd=workspace.root)
    assert shown.returncode == 0 and "OVERRIDDEN" in shown.stdout and reason in shown.stdout


@pytest.mark.usefixtures("_there")
def test_green_gates_promote_and_a_demotion_takes_it_back(workspace: Workspace) -> None:
    (version,) = workspace.candidates()
    recipe = workspace.recipe(GREEN_GATES)
    asked = ("promote", f"{version.model}/1", "--as", "champion", "--reason", "it holds")
    done = msm(*asked, "--recipe", recipe, cwd=workspace.root)
    assert done.returncode == 0, done.stderr
    now = workspace.registry.version(version.model, "1")
    assert now and now.tags[STATUS] == "promoted as champion"
    assert not [name for name in now.tags if name.startswith("msm.override")]
    gated = msm("gate", f"{version.model}@champion", "--recipe", recipe, cwd=workspace.root)
    assert gated.returncode == 0
    away = ("demote", f"{version.model}@champion", "--reason", "it does not", "--recipe", recipe)
    assert msm(*away, cwd=workspace.root).returncode == 0
    assert workspace.registry.aliases(version.model) == {}


@pytest.mark.usefixtures("_there")
def test_two_people_are_two(workspace: Workspace) -> None:
    version = workspace.candidates(**{AUTHOR: "Ann"})[0]

    def by(name: str, of: Reviewed = version) -> None:
        asked = Promotion("champion", "", Person(name, "it holds"))
        promote(workspace.registry, of, asked, verdict_of(of), Reviewers.TWO, Signers())

    with pytest.raises(UserError, match="somebody else"):
        by("ann")
    with pytest.raises(UserError, match="nobody knows"):
        by("")
    by("bea")
    with pytest.raises(UserError, match="nothing says who registered"):
        by("bea", workspace.candidates(**{AUTHOR: ""})[0])


@pytest.mark.usefixtures("_there")
def test_a_registration_says_who_made_it(workspace: Workspace) -> None:
    assert workspace.template.tags[AUTHOR]
    assert workspace.registry.author(workspace.template) == workspace.template.tags[AUTHOR]


@pytest.mark.usefixtures("_there")
def test_signatures_are_asked_for_where_the_recipe_does(
    workspace: Workspace, tmp_path: Path
) -> None:
    pair = make_key(tmp_path, "key")
    (version,) = workspace.candidates()
    signing = {"key": str(pair.private), "required": True}
    recipe = workspace.recipe(GREEN_GATES, execution={"signing": signing})
    done = run_gate(workspace, version, recipe)
    assert done.returncode == 1 and "RED    signature" in done.stdout
    with workspace.registry.files_of(version) as folder:
        sign_path(folder, Signing(key=str(pair.private)))
        workspace.registry.client.log_model_artifacts(version.model_id, str(folder), folder.name)
    try:
        assert run_gate(workspace, version, recipe).returncode == 0
        asked = ("promote", f"{version.model}/1", "--as", "champion", "--reason", "it is signed")
        assert msm(*asked, "--recipe", recipe, cwd=workspace.root).returncode == 0
        shown = msm("history", version.model, "--trust", pair.public, cwd=workspace.root)
        assert shown.returncode == 0 and "signatures verified" in shown.stdout
        other = make_key(tmp_path, "other").public
        assert msm("history", version.model, "--trust", other, cwd=workspace.root).returncode == 1
    finally:
        uri = workspace.registry.client.get_logged_model(version.model_id).artifact_location
        (Path(uri.removeprefix("file://")) / "checkpoint" / "msm.sig").unlink()


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("none/1", "no model"),
        ("{model}/9", "no version 9"),
        ("{model}@x", "no alias"),
        ("a", "NAME/3"),
    ],
)
@pytest.mark.usefixtures("_there")
def test_a_reference_that_is_wrong_is_told_in_one_line(
    workspace: Workspace, reference: str, told: str
) -> None:
    (version,) = workspace.candidates()
    done = msm("gate", reference.format(model=version.model), cwd=workspace.root)
    assert done.returncode == 2 and told in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.usefixtures("_there")
def test_the_world_is_what_the_gates_read(workspace: Workspace) -> None:
    """The suite of the world's evaluation is that of its data, so a green gate means something."""
    from msm.identity import digest_path

    for path in workspace.root.glob("outputs/cheese/curate/*/record.json"):
        record = read_record(path.parent)
        assert record and record.inputs["suite"].digest == digest_path(SUITE)
