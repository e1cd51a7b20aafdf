"""`msm gate` and `msm promote` on a registered experiment: what they judge, tag and refuse."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from msm.errors import UserError
from msm.record import COMMIT_VARIABLE, code_state, read_record
from msm.registry.reviews import AUTHOR, Reviewed, open_registry
from msm.review.decisions import STATUS, Person, Promotion, promote
from msm.review.settings import Reviewers
from msm.review.standing import Signers
from msm.review.verdict import DIGEST_TAG, VERDICT_TAG
from msm.signing.settings import Signing
from msm.signing.signature import sign_path
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
