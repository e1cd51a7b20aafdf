"""Every recipe fits a cluster: in one run, or in parts that make the same outputs."""

from __future__ import annotations

from concurrent.futures import Executor
from pathlib import Path

import pytest
import yaml

from msm.bundle import bundle
from msm.component import Given, Made, run_task
from msm.errors import UserError
from msm.experiment import build_tasks
from msm.recipe_file import load_recipe
from msm.task import Stage, Task
from pipelines.compile import compile_parts, compile_to
from pipelines.parts import fitting, split
from pipelines.size import LIMIT, size_of

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted([*(ROOT / "recipes").glob("*.yaml"), *(ROOT / "recipes" / "studies").glob("*.yaml")])
RECIPES = [
    (file, profile)
    for file in FILES
    for profile in (None, *yaml.safe_load(file.read_text()).get("profiles", {}))
]
# Two arms on two seeds, each with one phase.
SMALL = [
    "seeds=[1, 2]",
    "arms={baseline: {phases: [instruction]}, aft: {phases: [preference]}}",
    "register.arm=aft",
]


@pytest.mark.parametrize(
    ("file", "profile"), RECIPES, ids=[f"{file.stem}-{profile}" for file, profile in RECIPES]
)
def test_a_run_of_each_recipe_fits_a_cluster(
    file: Path, profile: str | None, aside: Executor
) -> None:
    recipe = load_recipe(file, (), profile)
    compiled = aside.submit(compile_parts, recipe).result()
    parts = [part for part, _ in compiled]
    labels = [task.label for part in parts for task in part.tasks]
    assert sorted(labels) == sorted(task.label for task in build_tasks(recipe))
    for part, documents in compiled:
        assert size_of(*documents) <= LIMIT, part.name
        inside = {task.label for task in part.tasks}
        needed = {f"{need.stage}/{need.name}" for task in part.tasks for need in task.needs}
        assert part.gathers or needed <= inside, "only the last part reads of others"
    assert not any(part.gathers for part in parts[:-1])


def test_a_recipe_that_is_too_large_even_for_one_seed_is_refused(root: Path) -> None:
    recipe = load_recipe(root / "recipes" / "tiny.yaml")
    with pytest.raises(UserError, match="one seed alone is too large"):
        fitting(recipe, lambda part: 2 * LIMIT)


def test_parts_are_files_of_their_own_and_the_last_has_the_report(
    root: Path, tmp_path: Path, aside: Executor
) -> None:
    recipe = load_recipe(root / "recipes" / "studies" / "six-values.yaml")
    paths = aside.submit(compile_to, recipe, tmp_path).result()
    assert len(paths) > 1
    assert [path.name for path in paths] == [
        f"{recipe.name}-{number}-of-{len(paths)}.yaml" for number in range(1, len(paths) + 1)
    ]
    spec = next(yaml.load_all(paths[-1].read_text(), Loader=yaml.CSafeLoader))
    steps = spec["components"]["comp-exit-handler-1"]["dag"]["tasks"]
    assert set(steps) == {"preflight", "recipe", "report-1", "register-1"}
    assert set(steps["register-1"]["dependentTasks"]) == {"recipe", "report-1"}


def test_the_last_part_takes_from_the_store_what_the_others_made(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSM_STORE", str(tmp_path / "store"))
    recipe = load_recipe(root / "recipes" / "tiny.yaml", SMALL)
    text = tmp_path / "bundle"
    text.write_text(bundle(recipe), encoding="utf-8")
    made: dict[str, tuple[Path, Made]] = {}

    def run(task: Task, out: Path, gathered: bool) -> Made:
        needs = [] if gathered else [made[f"{need.stage}/{need.name}"] for need in task.needs]
        given = [Given(str(path), done.digest) for path, done in needs]
        return run_task(str(text), task.stage, task.name, given, str(out))

    *first, second, last = split(recipe, 2)
    for part in (*first, second):
        for task in part.tasks:
            if part is second and task is second.tasks[-1]:
                with pytest.raises(UserError, match=rf"reads .*{task.name}.* have not made"):
                    run(last.tasks[0], tmp_path / "early", gathered=True)
            out = tmp_path / task.stage / task.name
            made[task.label] = out, run(task, out, gathered=False)
    report, register = last.tasks
    assert (report.stage, register.stage) == (Stage.REPORT, Stage.REGISTER)
    done = run(report, tmp_path / "report", gathered=True)
    monkeypatch.setenv("MSM_STORE", str(tmp_path / "other"))
    given = run(report, tmp_path / "given", gathered=False)
    assert done.metadata["identity"] == given.metadata["identity"]
    monkeypatch.setenv("MSM_STORE", str(tmp_path / "store"))
    assert run(register, tmp_path / "register", gathered=True).metadata["identity"]
