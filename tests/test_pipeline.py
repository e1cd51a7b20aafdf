"""The Kubeflow pipeline is the recipe's experiment, and run by KFP it makes the same outputs."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp.components import load_component_from_text
from kfp.dsl import Artifact, Dataset, Input, Model, Output

from components.readme import folders, readme
from components.wide import parameter_names, wide_component
from msm.errors import UserError
from msm.recipe import Recipe
from msm.recipe_file import load_recipe
from pipelines.build import task_inputs
from pipelines.compile import compile_pipeline, to_yaml
from pipelines.parts import whole
from pipelines.placing import OnPools, account
from pipelines.run_local import run_local
from pipelines.size import LIMIT, workflow_bytes
from pipelines.stamp import apart
from pipelines.submit import submit_recipe
from tests.commands import msm

RECIPES = ("cheese", "cheese-invented", "cheese-study", "oversight", "tiny")
BODY_LINES = 20
# Every stage, and an arm that goes on from another's adapter.
FEW_ARMS = (
    "arms={aft: {phases: [preference]}, "
    "msm+aft: {phases: [documents, preference], specs: [affordability]}}",
)
POOL = {
    "accelerator": "nvidia.com/gpu",
    "count": 4,
    "cpu": "16",
    "memory": "200Gi",
    "node_selector": {"pool": "h100"},
    "tolerations": [{"key": "nvidia.com/gpu"}],
    "shared_memory": "32Gi",
    "queue": "gpus",
    "priority": "low",
    "timeout_hours": 6,
    "retries": 5,
}


@pytest.fixture(scope="module", params=RECIPES)
def compiled(request: pytest.FixtureRequest, root: Path) -> Path:
    """One compiled pipeline, as it is kept in git."""
    return root / "pipelines" / "compiled" / f"{request.param}.yaml"


def _documents(text: str) -> list[Any]:
    return list(yaml.load_all(text, Loader=yaml.CSafeLoader))


def _steps(spec: Any) -> dict[str, Any]:
    """The steps of a specification, by what they are shown as."""
    dag = spec["components"]["comp-exit-handler-1"]["dag"]["tasks"]
    return {step["taskInfo"]["name"]: {**step, "key": key} for key, step in dag.items()}


def test_every_recipe_has_its_compiled_pipeline(root: Path) -> None:
    there = {path.stem for path in (root / "pipelines" / "compiled").glob("*.yaml")}
    assert there == {path.stem for path in (root / "recipes").glob("*.yaml")} == set(RECIPES)


def test_compiled_pipelines_are_fresh(root: Path, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from pipelines.compile import compile_to;"
        "from msm.recipe_file import load_recipe;"
        "[compile_to(load_recipe(Path(f'recipes/{name}.yaml')), Path(sys.argv[1]))"
        " for name in sys.argv[2:]]"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MSM_IMAGE")}
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), *RECIPES],
        cwd=root,
        env=environment,
        check=True,
    )
    for name in RECIPES:
        kept = (root / "pipelines" / "compiled" / f"{name}.yaml").read_bytes()
        fresh = (tmp_path / f"{name}.yaml").read_bytes()
        assert kept == fresh, f"{name} is stale: run `make pipelines`"


def test_every_task_is_a_step_that_waits_for_what_it_reads(compiled: Path, root: Path) -> None:
    spec, _ = _documents(compiled.read_text(encoding="utf-8"))
    steps = _steps(spec)
    part = whole(load_recipe(root / "recipes" / compiled.name))
    tasks = part.tasks
    assert sorted(steps) == sorted([*(task.label for task in tasks), "preflight", "recipe"])
    assert steps["recipe"]["dependentTasks"] == ["preflight"]
    for task in tasks:
        step = steps[task.label]
        component = spec["components"][step["componentRef"]["name"]]["inputDefinitions"]
        wanted = {
            name: steps[f"{need.stage}/{need.name}"]["key"]
            for name, need in task_inputs(task, part).items()
        }
        artifacts = {
            name: given["taskOutputArtifact"]["producerTask"]
            for name, given in step["inputs"]["artifacts"].items()
        }
        assert artifacts == {**wanted, "recipe": "recipe"}
        digests = {
            name.removesuffix("_digest"): given["taskOutputParameter"]["producerTask"]
            for name, given in step["inputs"]["parameters"].items()
            if name != "name"
        }
        assert digests == wanted
        assert set(step["dependentTasks"]) == {*wanted.values(), "recipe"}
        assert set(component["artifacts"]) == set(artifacts)
        assert set(component["parameters"]) == set(step["inputs"]["parameters"])
        assert step["inputs"]["parameters"]["name"]["runtimeValue"]["constant"] == task.name


def test_the_ledger_is_written_whatever_happens(compiled: Path) -> None:
    spec, _ = _documents(compiled.read_text(encoding="utf-8"))
    ending = spec["root"]["dag"]["tasks"]["ledger"]
    assert ending["dependentTasks"] == ["exit-handler-1"]
    assert ending["triggerPolicy"]["strategy"] == "ALL_UPSTREAM_TASKS_COMPLETED"
    assert "enableCache" not in ending.get("cachingOptions", {})


def test_the_recipe_is_handed_over_once(compiled: Path) -> None:
    spec, _ = _documents(compiled.read_text(encoding="utf-8"))
    readers = {
        name for name, step in _steps(spec).items() if "bundle" in step["inputs"]["parameters"]
    }
    assert readers == {"preflight", "recipe"}


def test_a_compiled_pipeline_can_be_loaded_and_fits_a_cluster(compiled: Path) -> None:
    text = compiled.read_text(encoding="utf-8")
    loaded: Any = load_component_from_text(text)
    assert list(loaded.component_spec.inputs) == ["bundle"]
    assert workflow_bytes(text) < LIMIT


def test_compiled_pipelines_name_no_path_of_this_machine(compiled: Path, root: Path) -> None:
    text = compiled.read_text(encoding="utf-8")
    assert str(root) not in text
    assert "/tmp/" not in text


def _with_pool(root: Path, **pool: Any) -> Recipe:
    raw = load_recipe(root / "recipes" / "tiny.yaml").model_dump(by_alias=True)
    raw["execution"]["pools"] = {"train": {**POOL, **pool}}
    return Recipe.model_validate(raw)


def test_a_pool_is_asked_for_by_its_stage_alone(root: Path, aside: Executor) -> None:
    spec, platform = aside.submit(compile_pipeline, _with_pool(root), OnPools()).result()
    step = _steps(spec)["train/baseline-s1"]
    executor = spec["components"][step["componentRef"]["name"]]["executorLabel"]
    container = spec["deploymentSpec"]["executors"][executor]["container"]
    settings = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    asked = settings[executor]
    assert container["image"] == "msm-train:0.1.0"
    assert container["resources"]["accelerator"]["resourceCount"] == "4"
    assert step["retryPolicy"]["maxRetryCount"] == 5
    assert asked["nodeSelector"]["labels"] == {"pool": "h100"}
    assert asked["tolerations"][0]["key"] == "nvidia.com/gpu"
    assert asked["activeDeadlineSeconds"] == str(6 * 3600)
    assert asked["emptyDirMounts"][0]["mountPath"] == "/dev/shm"
    assert asked["podMetadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "gpus"
    other = spec["components"][_steps(spec)["plan/america-s1"]["componentRef"]["name"]]
    assert "nodeSelector" not in settings[other["executorLabel"]]


def test_every_pod_has_the_labels_that_the_network_policies_know(
    root: Path, aside: Executor
) -> None:
    spec, platform = aside.submit(compile_pipeline, _with_pool(root), OnPools()).result()
    settings = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert settings.keys() == spec["deploymentSpec"]["executors"].keys()
    for executor in settings.values():
        labels = executor["podMetadata"]["labels"]
        assert labels["app.kubernetes.io/part-of"] == "msm"
        assert labels["app.kubernetes.io/component"] == "task"


def test_where_a_job_trains_the_task_waits_on_a_small_machine(root: Path, aside: Executor) -> None:
    raw = _with_pool(root).model_dump(by_alias=True)
    raw["execution"]["trainer"]["job"] = {"nodes": 2, "claim": "msm-workspace"}
    recipe = Recipe.model_validate(raw)
    spec, platform = aside.submit(compile_pipeline, recipe, OnPools()).result()
    step = _steps(spec)["train/baseline-s1"]
    executor = spec["components"][step["componentRef"]["name"]]["executorLabel"]
    container = spec["deploymentSpec"]["executors"][executor]["container"]
    assert container["image"] == "msm-cpu:0.1.0"
    assert "accelerator" not in container["resources"]
    assert {"name": "MSM_IMAGE_TRAIN", "value": "msm-train:0.1.0"} in container["env"]
    asked = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"][executor]
    assert asked["activeDeadlineSeconds"] == str(6 * 3600)
    assert "nodeSelector" not in asked
    assert account(recipe) == "msm-trainer"
    assert account(_with_pool(root)) == "msm-task"


def test_set_apart_each_step_has_a_component_of_its_own(compiled: Path) -> None:
    together, _ = _documents(compiled.read_text(encoding="utf-8"))
    spec = apart(together)
    before, steps = _steps(together), _steps(spec)
    names = [step["componentRef"]["name"] for step in steps.values()]
    assert len(set(names)) == len(names)
    for label, step in steps.items():
        shared = together["components"][before[label]["componentRef"]["name"]]
        assert spec["components"][step["componentRef"]["name"]] == shared


def test_secrets_stand_in_a_pipeline_by_name_alone(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret-7391")
    text = to_yaml(compile_pipeline(_with_pool(root), OnPools()))
    assert "very-secret-7391" not in text
    assert "secretName: msm-s3" in text


def test_keys_of_signatures_are_files_of_a_secret(root: Path, aside: Executor) -> None:
    place = "/etc/msm/signing"
    signing = f"execution.signing={{key: {place}/key.pem, reviewers: [{place}/ann.pem]}}"
    recipe = load_recipe(root / "recipes" / "tiny.yaml", [signing])
    spec, platform = aside.submit(compile_pipeline, recipe, OnPools()).result()
    asked = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    tasks = {name for name in spec["deploymentSpec"]["executors"] if name in asked}
    with_keys = {
        name
        for name in tasks
        for volume in asked[name].get("secretAsVolume", ())
        if (volume["secretName"], volume["mountPath"]) == ("msm-signing", place)
    }
    light = {name for name in tasks if "secretAsEnv" not in asked[name]}
    assert with_keys == tasks - light
    assert with_keys


def test_a_key_that_no_container_has_is_refused(root: Path, aside: Executor) -> None:
    signing = "execution.signing={key: keys/team.pem}"
    recipe = load_recipe(root / "recipes" / "tiny.yaml", [signing])
    with pytest.raises(UserError, match=r"msm-signing.*/etc/msm/signing/team\.pem"):
        aside.submit(compile_pipeline, recipe, OnPools()).result()


def test_images_are_those_of_the_environment(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MSM_IMAGE_TRAIN", "registry/train@sha256:" + "0" * 64)
    spec, _ = compile_pipeline(_with_pool(root), OnPools())
    images = {item["container"]["image"] for item in spec["deploymentSpec"]["executors"].values()}
    assert images == {"msm-cpu:0.1.0", "registry/train@sha256:" + "0" * 64}


def test_a_recipe_may_name_no_pool_of_an_unknown_stage(root: Path) -> None:
    with pytest.raises(UserError, match=r"pools.*trian.*did you mean 'train'"):
        load_recipe(root / "recipes" / "tiny.yaml", ["execution.pools={trian: {count: 0}}"])


def test_a_cluster_that_does_not_answer_is_one_line(root: Path) -> None:
    recipe = load_recipe(root / "recipes" / "tiny.yaml")
    with pytest.raises(UserError, match=r"127\.0\.0\.1:9.* cannot be reached"):
        submit_recipe(recipe, "http://127.0.0.1:9", "")


def test_component_bodies_are_short(root: Path) -> None:
    files = sorted((root / "components").glob("*/component.py"))
    assert len(files) == 13
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        (function,) = (node for node in tree.body if isinstance(node, ast.FunctionDef))
        assert function.end_lineno is not None
        lines = function.end_lineno - function.body[0].lineno + 1
        assert lines <= BODY_LINES, f"{file}: {lines} lines"


def test_every_component_has_a_fresh_readme() -> None:
    for folder in folders():
        kept = (folder / "README.md").read_text(encoding="utf-8")
        assert kept == readme(folder), f"{folder.name} is stale: run `make pipelines`"


def test_roles_become_distinct_parameters() -> None:
    roles = {
        "corpus": "curate",
        "scores:msm+aft-s1": "evaluate",
        "scores:msm-aft-s1": "evaluate",
        "baseline-s1": "evaluate",
        "train/msm-s1": "train",
    }
    assert parameter_names(roles) == {
        "corpus": "corpus",
        "scores:msm+aft-s1": "scores_1",
        "scores:msm-aft-s1": "scores_2",
        "baseline-s1": "evaluate",
        "train/msm-s1": "train",
    }


@wide_component(base_image="image", install_kfp_package=False)
def gather(name: str, out: Output[Artifact], **inputs: Artifact) -> None:
    """Write down what came in."""
    import json

    print(json.dumps(inputs), out, name)


def test_a_wide_component_has_one_typed_input_for_each_role() -> None:
    component: Any = gather.with_inputs({"chats": Dataset, "checkpoint": Model})
    annotations = component.python_func.__annotations__
    assert annotations["chats"] == Input[Dataset]
    assert annotations["checkpoint"] == Input[Model]
    assert list(component.component_spec.inputs) == [
        "name", "chats", "chats_digest", "checkpoint", "checkpoint_digest",
    ]  # fmt: skip


@pytest.mark.slow
def test_kfp_makes_what_msm_run_makes(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = root / "recipes" / "tiny.yaml"
    given = [part for setting in FEW_ARMS for part in ("--set", setting)]
    done = msm("run", path, *given, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/kfp.db")
    recipe = load_recipe(path, FEW_ARMS)
    made = run_local(recipe, tmp_path / "kfp")
    expected = {
        f"{record.parents[1].name}/{record.parent.name}": _identity(record.parent)
        for record in (tmp_path / "outputs" / "tiny").glob("*/*/record.json")
    }
    assert {label: _identity(folder) for label, folder in made.items()} == expected
    again = run_local(recipe, tmp_path / "kfp")
    assert {label: _identity(folder) for label, folder in again.items()} == expected
    # What lies in the folder of the first run was not even looked at by a step of the second.
    ran = {label for label in made if again[label] != made[label]}
    assert ran <= {"report/tiny", "register/tiny"}


def _identity(folder: Path) -> str:
    return str(json.loads((folder / "record.json").read_text(encoding="utf-8"))["identity"])
