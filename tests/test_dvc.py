"""dvc.yaml is the same experiment as `msm run recipes/cheese.yaml`, and DVC agrees when done."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest
from dvc.dependency.param import ParamsDependency
from dvc.repo import Repo
from dvc.stage import PipelineStage

from msm.experiment import build_tasks
from msm.recipe_file import load_recipe
from msm.task import FileInput, OutputInput, StudentInput, Task
from tests.checkouts import RECIPE, records, run, small_checkout

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
    checkout = small_checkout(root, tmp_path / "checkout")
    run(checkout, "msm", "run", RECIPE)
    made = records(checkout)
    assert len(made) == len(build_tasks(load_recipe(checkout / RECIPE)))

    run(checkout, "dvc", "repro")
    assert records(checkout) == made
    lock = (checkout / "dvc.lock").read_bytes()

    started = time.monotonic()
    said = run(checkout, "dvc", "repro")
    seconds = time.monotonic() - started
    assert "Data and pipelines are up to date." in said
    assert (checkout / "dvc.lock").read_bytes() == lock
    assert records(checkout) == made
    assert seconds < NO_OP_SECONDS

    shown = json.loads(run(checkout, "dvc", "metrics", "show", "--json"))
    assert "contrasts" in next(iter(shown[""]["data"].values()))["data"]
    drawn = json.loads(run(checkout, "dvc", "plots", "show", "--json"))
    assert set(drawn["data"]) == {"contrasts", "training loss"}
    assert "errors" not in drawn
    run(checkout, "dvc", "push")
    shutil.rmtree(checkout / "outputs")
    shutil.rmtree(checkout / ".dvc" / "cache")
    run(checkout, "dvc", "pull")
    assert records(checkout) == made


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
