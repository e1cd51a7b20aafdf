"""dvc.yaml is the same experiment as `msm run` of its recipe, and DVC agrees when done."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from dvc.dependency.param import ParamsDependency
from dvc.output import Output
from dvc.repo import Repo
from dvc.stage import PipelineStage

from msm.experiment import build_tasks
from msm.recipe import Recipe
from msm.recipe_file import load_recipe
from msm.task import FileInput, OutputInput, Stage, StudentInput, Task
from tests.checkouts import RECIPE, records, run, small_checkout

STUDY = "recipes/cheese-study.yaml"
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


@dataclass(frozen=True)
class Written:
    """A recipe's file and content, and the DVC stages of its outputs by ``stage/name``."""

    file: str
    recipe: Recipe
    stages: dict[str, PipelineStage]


@pytest.fixture(scope="module", params=[RECIPE, STUDY])
def written(request: pytest.FixtureRequest, root: Path) -> Written:
    """A recipe, and the stages of its dvc.yaml."""
    recipe = load_recipe(root / request.param)
    stages = {}
    for stage in Repo(str(root)).index.stages:
        for out in stage.outs:
            experiment, label = _path(out, root).removeprefix("outputs/").split("/", 1)
            if experiment == recipe.name:
                stages[label] = stage
    return Written(request.param, recipe, stages)


def test_stages_are_the_tasks_of_the_recipe(root: Path, written: Written) -> None:
    recipe = written.recipe
    tasks = {task.label: task for task in build_tasks(recipe)}
    assert sorted(written.stages) == sorted(tasks)
    for stage in set(written.stages.values()):
        made = {_path(out, root): out for out in stage.outs}
        own = [tasks[path.removeprefix(f"outputs/{recipe.name}/")] for path in made]
        commands = stage.cmd if isinstance(stage.cmd, list) else [stage.cmd]
        assert commands == [f"msm {t.stage} {written.file} {t.name} --replace" for t in own]
        assert Path(stage.wdir) == root
        assert all(out.persist for out in stage.outs)
        deps = [_path(dep, root) for dep in stage.deps if not isinstance(dep, ParamsDependency)]
        read = [path for task in own for path in _paths(task, recipe.name, root)]
        before = [path for path in read if path not in made]
        for path in before:
            assert any(path == dep or path.startswith(f"{dep}/") for dep in deps), (stage, path)
        for dep in set(deps) - {"msm/stages.py"}:
            assert any(path == dep or path.startswith(f"{dep}/") for path in before), (stage, dep)


def test_a_stages_commands_make_what_they_read_before(root: Path, written: Written) -> None:
    tasks = {task.label: task for task in build_tasks(written.recipe)}
    for stage in set(written.stages.values()):
        own = [_path(out, root).split("/", 2)[2] for out in stage.outs]
        for number, label in enumerate(own):
            read = {
                f"{source.stage}/{source.name}"
                for source in tasks[label].inputs.values()
                if isinstance(source, OutputInput)
            }
            assert read & set(own) <= set(own[:number])


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_key_is_a_parameter_of_every_stage_it_changes(
    change: str, root: Path, written: Written
) -> None:
    before = {task.label: task for task in build_tasks(written.recipe)}
    after = {task.label: task for task in build_tasks(load_recipe(root / written.file, [change]))}
    changed = {label for label, task in after.items() if task.config != before[label].config}
    assert changed
    assert changed <= _with_parameter(change.split("=")[0].split(".")[0], written.stages)


def test_the_student_is_a_parameter_of_every_stage_that_reads_or_names_it(
    written: Written,
) -> None:
    tasks = build_tasks(written.recipe)
    readers = {
        written.stages[task.label]
        for task in tasks
        if StudentInput() in task.inputs.values() or task.stage is Stage.REGISTER
    }
    named = _with_parameter("student", written.stages)
    assert readers == {written.stages[label] for label in named}


def test_a_key_that_a_recipe_states_itself_is_a_parameter_of_its_own_file(
    root: Path, written: Written
) -> None:
    """A key of a file that the recipe extends would hide a change of the recipe itself."""
    stated = set(yaml.safe_load((root / written.file).read_text(encoding="utf-8")))
    for stage in set(written.stages.values()):
        files = {Path(dep.fs_path): set(dep.params) for dep in stage.deps if _is_parameters(dep)}
        named = set().union(*files.values())
        assert named & stated <= files.get(root / written.file, set())


def test_the_lock_is_of_this_recipe_and_these_stages(root: Path, tmp_path: Path) -> None:
    """Without its data: if this fails, `make lock-data` and commit dvc.lock."""
    checkout = tmp_path / "checkout"
    for name in ("dvc.yaml", "dvc.lock", "recipes", "specs", "evals", "msm/stages.py", ".dvc"):
        _copy(root / name, checkout / name)
    run(checkout, "git", "init", "--quiet")
    said = run(checkout, "dvc", "repro", "--dry", "--allow-missing")
    assert [line for line in said.splitlines() if line.startswith("Running stage")] == []
    locked = yaml.safe_load((root / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    outputs = [out for entry in locked.values() for out in entry["outs"]]
    assert len(outputs) == len(build_tasks(load_recipe(root / RECIPE)))


@pytest.mark.slow
def test_after_a_run_dvc_records_and_then_has_nothing_to_do(root: Path, tmp_path: Path) -> None:
    checkout = small_checkout(root, tmp_path / "checkout")
    run(checkout, "msm", "run", RECIPE)
    made = records(checkout)
    assert len(made) == len(build_tasks(load_recipe(checkout / RECIPE)))

    run(checkout, "dvc", "repro")
    assert records(checkout) == made
    lock = (checkout / "dvc.lock").read_bytes()

    said = run(checkout, "dvc", "repro")
    assert "Data and pipelines are up to date." in said
    assert (checkout / "dvc.lock").read_bytes() == lock
    assert records(checkout) == made

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


def _path(item: Output, root: Path) -> str:
    return Path(item.fs_path).relative_to(root).as_posix()


def _is_parameters(dep: Output) -> bool:
    return isinstance(dep, ParamsDependency)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("cache", "tmp"))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def _with_parameter(key: str, stages: dict[str, PipelineStage]) -> set[str]:
    """The labels of the stages that a key of the recipe is a parameter of."""
    return {
        label
        for label, stage in stages.items()
        for dep in stage.deps
        if isinstance(dep, ParamsDependency) and key in dep.params
    }
