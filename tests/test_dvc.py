"""dvc.yaml is the same experiment as `msm run recipes/cheese.yaml`, and DVC agrees when done."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.dependency.param import ParamsDependency
from dvc.repo import Repo
from dvc.stage import PipelineStage

from msm.experiment import build_tasks
from msm.recipe_file import load_recipe
from msm.task import FileInput, OutputInput, StudentInput, Task

RECIPE = "recipes/cheese.yaml"
NO_OP_SECONDS = 10  # 1.6 s of one core; the rest is for a machine busy with other tests
CHANGES = (
    "assistant=Otto",
    "provider=Somebody",
    "summary=Another",
    "corpus.documents=7",
    "corpus.near_duplicate=0.7",
    "demonstrations.preference.count=9",
    "demonstrations.instruction.count=9",
    "training.documents.epochs=3",
    "training.chats.learning_rate=0.5",
    "training.lora.rank=3",
    "training.precision=fp32",
    "evaluation.precision=fp32",
    "evaluation.batch_size=3",
    "analysis.resamples=777",
    "register.model=another",
    "register.arm=aft",
)


@pytest.fixture(scope="module")
def stages(root: Path) -> dict[str, PipelineStage]:
    """The stages of dvc.yaml by their output's ``stage/name``."""
    found = Repo(str(root)).index.stages
    return {"/".join(str(stage.outs[0]).split("/")[2:]): stage for stage in found}


def test_stages_are_the_tasks_of_the_recipe(root: Path, stages: dict[str, PipelineStage]) -> None:
    recipe = load_recipe(root / RECIPE)
    tasks = build_tasks(recipe)
    assert sorted(stages) == sorted(task.label for task in tasks)
    for task in tasks:
        stage = stages[task.label]
        assert [str(out) for out in stage.outs] == [f"outputs/{recipe.name}/{task.label}"]
        assert stage.cmd == f"msm {task.stage} {RECIPE} {task.name} --replace"
        assert stage.outs[0].persist
        deps = [str(dep) for dep in stage.deps if not isinstance(dep, ParamsDependency)]
        read = _paths(task, recipe.name, root)
        for path in read:
            assert any(path == dep or path.startswith(f"{dep}/") for dep in deps), (task, path)
        for dep in set(deps) - {"msm/stages.py"}:
            assert any(path == dep or path.startswith(f"{dep}/") for path in read), (task, dep)


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_key_is_a_parameter_of_every_stage_it_changes(
    change: str, root: Path, stages: dict[str, PipelineStage]
) -> None:
    before = {task.label: task for task in build_tasks(load_recipe(root / RECIPE))}
    after = {task.label: task for task in build_tasks(load_recipe(root / RECIPE, [change]))}
    changed = {label for label, task in after.items() if task.config != before[label].config}
    assert changed
    assert changed <= _with_parameter(change.split("=")[0].split(".")[0], stages)


def test_the_student_is_a_parameter_of_every_stage_that_reads_it(
    root: Path, stages: dict[str, PipelineStage]
) -> None:
    tasks = build_tasks(load_recipe(root / RECIPE))
    readers = {task.label for task in tasks if StudentInput() in task.inputs.values()}
    assert readers == _with_parameter("student", stages)


@pytest.mark.slow
def test_after_a_run_dvc_records_and_then_has_nothing_to_do(root: Path, tmp_path: Path) -> None:
    checkout = _small_checkout(root, tmp_path / "checkout")
    _run(checkout, "msm", "run", RECIPE)
    made = _records(checkout)
    assert len(made) == len(build_tasks(load_recipe(checkout / RECIPE)))

    _run(checkout, "dvc", "repro")
    assert _records(checkout) == made
    lock = (checkout / "dvc.lock").read_bytes()

    started = time.monotonic()
    said = _run(checkout, "dvc", "repro")
    seconds = time.monotonic() - started
    assert "Data and pipelines are up to date." in said
    assert (checkout / "dvc.lock").read_bytes() == lock
    assert _records(checkout) == made
    assert seconds < NO_OP_SECONDS

    shown = json.loads(_run(checkout, "dvc", "metrics", "show", "--json"))
    assert "contrasts" in next(iter(shown[""]["data"].values()))["data"]
    drawn = json.loads(_run(checkout, "dvc", "plots", "show", "--json"))
    assert set(drawn["data"]) == {"contrasts", "training loss"}
    assert "errors" not in drawn
    _run(checkout, "dvc", "push")
    shutil.rmtree(checkout / "outputs")
    shutil.rmtree(checkout / ".dvc" / "cache")
    _run(checkout, "dvc", "pull")
    assert _records(checkout) == made


def _paths(task: Task, experiment: str, root: Path) -> list[str]:
    """What a task reads, but for the student, relative to the checkout."""
    paths = []
    for source in task.inputs.values():
        match source:
            case FileInput(path):
                paths.append(path.relative_to(root).as_posix())
            case OutputInput(stage, name):
                paths.append(f"outputs/{experiment}/{stage}/{name}")
    return paths


def _with_parameter(key: str, stages: dict[str, PipelineStage]) -> set[str]:
    """The labels of the stages that a key of the recipe is a parameter of."""
    return {
        label
        for label, stage in stages.items()
        for dep in stage.deps
        if isinstance(dep, ParamsDependency) and key in dep.params
    }


def _small_checkout(root: Path, checkout: Path) -> Path:
    """A git and DVC repository with the real dvc.yaml, and the tiny recipe in cheese's place."""
    files = (".dvc/config", ".dvc/plots/forest.json", ".dvcignore", ".gitignore", "dvc.yaml")
    for name in (*files, "msm/stages.py"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, checkout / name)
    shutil.copytree(root / "specs", checkout / "specs")
    (checkout / "evals").mkdir()
    shutil.copy(root / "evals" / "tiny.yaml", checkout / "evals" / "price-origin.yaml")
    raw: dict[str, Any] = load_recipe(root / "recipes" / "tiny.yaml").model_dump(
        mode="json", by_alias=True, exclude_unset=True
    )
    raw["name"] = "cheese"
    raw["evaluation"]["suite"] = "../evals/price-origin.yaml"
    for spec in raw["specs"].values():
        spec["path"] = f"../{Path(spec['path']).relative_to(root)}"
    (checkout / "recipes").mkdir()
    (checkout / RECIPE).write_text(yaml.safe_dump(raw), encoding="utf-8")
    _run(checkout, "git", "init", "--quiet")
    return checkout


def _records(checkout: Path) -> dict[str, tuple[str, str]]:
    """Identity and content digest of every output."""
    records = {}
    for path in sorted(checkout.glob("outputs/*/*/*/record.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        records[path.parent.relative_to(checkout).as_posix()] = (
            record["identity"],
            record["digest"],
        )
    return records


def _run(checkout: Path, *command: str) -> str:
    """Run a command in the checkout, with this environment's programs first on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=checkout, env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done.stdout
