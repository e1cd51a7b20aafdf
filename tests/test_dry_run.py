"""`msm train --dry-run`: what a run would take, before its data or its weights are there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from msm.cli import main
from msm.errors import UserError
from msm.execution import Trainer, Zero
from msm.experiment import find_task
from msm.jsonl import write_shards
from msm.recipe_file import load_recipe
from msm.task import Stage
from msm.training.dry_run import Rows, fits, plan_run, rows_of, setup_of
from msm.training.shape import shape_of
from msm.training_settings import Optimisation
from msm.workspace import Workspace
from tests.test_estimate import FULL, LLAMA_8B

ROOT = Path(__file__).parents[1]
TINY = ROOT / "recipes" / "tiny.yaml"
NAME = "msm-affordability-s1"  # ends with the instruction chats


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as done:
        main(["train", *arguments])
    printed = capsys.readouterr()
    return int(done.value.code or 0), printed.out, printed.err


def test_a_plan_is_printed_before_there_are_data(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, _ = _run(capsys, str(TINY), NAME, "--dry-run", "-w", str(tmp_path))
    assert code == 0
    assert "an estimate: the data are still to be made" in out
    for gpu in ("A100", "H100", "H200"):
        assert gpu in out
    assert "continued from the phase before" in out
    assert not list(tmp_path.iterdir())  # it leaves nothing


def test_rows_that_are_there_are_counted(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    recipe = load_recipe(TINY, ())
    folder = tmp_path / "outputs" / "tiny" / "demonstrate" / "instruction-s1"
    folder.mkdir(parents=True)
    rows = [{"id": str(n), "user": "Why?", "assistant": "x" * (10 + n)} for n in range(20)]
    write_shards(folder, "chats", rows)
    task = find_task(recipe, Stage.TRAIN, NAME)
    found = rows_of(recipe, task, Workspace(tmp_path, recipe))
    assert found.counted and len(found.lengths) == 20
    assert [b - a for a, b in zip(found.lengths, found.lengths[1:], strict=False)] == [1] * 19
    code, out, _ = _run(capsys, str(TINY), NAME, "--dry-run", "-w", str(tmp_path))
    assert code == 0 and f"{sum(found.lengths):,} tokens over all epochs (counted)" in out


def test_documents_are_estimated_from_the_recipes_counts(tmp_path: Path) -> None:
    for count in (16, 32):
        recipe = load_recipe(TINY, (f"corpus.documents={count}",))
        names = [name for name in _names(recipe) if "documents" in name]
        task = find_task(recipe, Stage.TRAIN, names[0])
        rows = rows_of(recipe, task, Workspace(tmp_path, recipe))
        assert len(rows.lengths) == count and not rows.counted


def _names(recipe: object) -> list[str]:
    from msm.experiment import build_tasks

    return [task.name for task in build_tasks(recipe) if task.stage is Stage.TRAIN]  # type: ignore[arg-type]


def test_every_training_task_of_every_recipe_has_a_plan(tmp_path: Path) -> None:
    """Estimates cover every kind of set, also those made from others."""
    paths = [path for path in (ROOT / "recipes").rglob("*.yaml") if path.parent.name != "shared"]
    assert len(paths) > 5
    for path in sorted(paths):
        recipe = load_recipe(path, ())
        for name in _names(recipe)[:12]:
            task = find_task(recipe, Stage.TRAIN, name)
            rows = rows_of(recipe, task, Workspace(tmp_path, recipe))
            assert rows.lengths, (path, name)


def test_a_plan_counts_steps_packs_and_fill() -> None:
    settings = Optimisation(batch_size=4, maximum_length=100, minimum_steps=1, epochs=2)
    plan = plan_run(Rows((50,) * 16, counted=True), settings, seed=1)
    assert (plan.rows, plan.steps, plan.packs) == (16, 8, 16)
    assert plan.fill == 1.0 and plan.tokens == 2 * 16 * 50
    assert plan.attended == 50 and plan.largest_step == 200
    with pytest.raises(UserError, match="more than maximum_length 100"):
        plan_run(Rows((101,), counted=True), settings, seed=1)


def test_a_run_that_would_be_refused_is_said_to_be(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    setting = "training.chats.minimum_steps=5000"
    code, out, _ = _run(capsys, str(TINY), NAME, "--dry-run", "-w", str(tmp_path), "--set", setting)
    assert code == 0 and "this run would be refused: only" in out


def test_the_recipes_gpu_and_price_are_counted_with() -> None:
    shape = shape_of(LLAMA_8B)
    recipe = load_recipe(TINY, ())
    task = find_task(recipe, Stage.TRAIN, NAME)
    trainer = Trainer(gpu="h200", price=10.0, zero=Zero.PARAMETERS, activation_checkpointing=True)
    setup = setup_of(task.config, trainer, 300.0)  # type: ignore[arg-type]
    (fit,) = fits(shape, setup, 10_000_000, trainer)
    assert fit.gpu.name == "H200" and fit.processes == 1
    assert fit.cost == pytest.approx(10 * fit.hours)
    alone = fits(shape, FULL, 10_000_000, Trainer())
    assert [found.processes for found in alone] == [None, None, None]


def test_no_weights_are_read(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, tiny_student: Path
) -> None:
    student = tmp_path / "student"
    student.mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (student / name).write_bytes((tiny_student / name).read_bytes())
    (student / "model.safetensors").write_bytes(b"no weights")
    (student / "config.json").write_text(json.dumps(LLAMA_8B))
    setting = f"student={{source: folder, name: {student}}}"
    code, out, _ = _run(
        capsys, str(TINY), NAME, "--dry-run", "-w", str(tmp_path / "w"), "--set", setting
    )
    assert code == 0
    assert "8,030,261,248 parameters" in out


def test_an_unknown_task_is_told_of(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = _run(capsys, str(TINY), "nothing-s1", "--dry-run", "-w", str(tmp_path))
    assert code == 2 and "has no train task 'nothing-s1'" in err
