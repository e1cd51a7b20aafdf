"""The Kubeflow pipeline is the recipe's experiment, and run by KFP it makes the same outputs."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp.dsl import Artifact, Dataset, Input, Model, Output

from components.wide import parameter_names, wide_component
from msm.experiment import build_tasks
from msm.recipe_file import load_recipe
from msm.task import OutputInput
from pipelines.run_local import run_local

RECIPES = ("cheese.yaml", "tiny.yaml")
BODY_LINES = 20


@pytest.fixture(scope="module", params=RECIPES)
def compiled(request: pytest.FixtureRequest, root: Path) -> Path:
    """One compiled pipeline, as it is kept in git."""
    return root / "pipelines" / "compiled" / str(request.param)


def test_compiled_pipelines_are_fresh(root: Path, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from pipelines.compile import compile_recipe;"
        "[compile_recipe(Path('recipes') / name, Path(sys.argv[1])) for name in sys.argv[2:]]"
    )
    environment = {k: v for k, v in os.environ.items() if k != "MSM_IMAGE_NAME"}
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), *RECIPES],
        cwd=root,
        env=environment,
        check=True,
    )
    for name in RECIPES:
        kept = (root / "pipelines" / "compiled" / name).read_bytes()
        assert kept == (tmp_path / name).read_bytes(), f"{name} is stale: run `make pipelines`"


def test_every_task_is_a_step_that_waits_for_what_it_reads(compiled: Path, root: Path) -> None:
    steps = yaml.safe_load(compiled.read_text(encoding="utf-8"))["root"]["dag"]["tasks"]
    by_label = {step["taskInfo"]["name"]: (key, step) for key, step in steps.items()}
    tasks = build_tasks(load_recipe(root / "recipes" / compiled.name))
    assert sorted(by_label) == sorted(task.label for task in tasks)
    for task in tasks:
        _, step = by_label[task.label]
        needs = {role: n for role, n in task.inputs.items() if isinstance(n, OutputInput)}
        names = parameter_names(needs)
        wanted = {names[role]: by_label[f"{n.stage}/{n.name}"][0] for role, n in needs.items()}
        found = {
            name: given["taskOutputArtifact"]["producerTask"]
            for name, given in step["inputs"].get("artifacts", {}).items()
        }
        assert found == wanted


def test_compiled_pipelines_name_no_path_of_this_machine(compiled: Path, root: Path) -> None:
    text = compiled.read_text(encoding="utf-8")
    assert str(root) not in text
    assert "/tmp/" not in text


def test_component_bodies_are_short(root: Path) -> None:
    files = sorted((root / "components").glob("*/component.py"))
    assert len(files) == 8
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        (function,) = (node for node in tree.body if isinstance(node, ast.FunctionDef))
        assert function.end_lineno is not None
        lines = function.end_lineno - function.body[0].lineno + 1
        assert lines <= BODY_LINES, f"{file}: {lines} lines"


def test_roles_become_distinct_parameters() -> None:
    roles = ("corpus", "scores:msm+aft-s1", "scores:msm-aft-s1")
    assert parameter_names(roles) == {
        "corpus": "corpus",
        "scores:msm+aft-s1": "scores_msm_aft_s1",
        "scores:msm-aft-s1": "scores_msm_aft_s1_2",
    }


@wide_component(base_image="image", install_kfp_package=False)
def gather(name: str, out: Output[Artifact], **inputs: Artifact) -> None:
    """Write down what came in."""
    import json

    print(json.dumps({role: artifact.path for role, artifact in inputs.items()}), out, name)


def test_a_wide_component_has_one_typed_input_for_each_role() -> None:
    component: Any = gather.with_inputs({"chats-a": Dataset, "checkpoint": Model})
    annotations = component.python_func.__annotations__
    assert annotations["chats_a"] == Input[Dataset]
    assert annotations["checkpoint"] == Input[Model]
    assert list(component.component_spec.inputs) == ["name", "chats_a", "checkpoint"]


@pytest.mark.slow
def test_kfp_makes_what_msm_run_makes(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = root / "recipes" / "tiny.yaml"
    subprocess.run(
        [sys.executable, "-m", "msm", "run", str(path), "--workspace", str(tmp_path)], check=True
    )
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/kfp.db")
    made = run_local(load_recipe(path), tmp_path / "kfp")
    expected = {
        f"{record.parents[1].name}/{record.parent.name}": _identity(record.parent)
        for record in (tmp_path / "outputs" / "tiny").glob("*/*/record.json")
    }
    assert {label: _identity(folder) for label, folder in made.items()} == expected


def _identity(folder: Path) -> str:
    return str(json.loads((folder / "record.json").read_text(encoding="utf-8"))["identity"])
