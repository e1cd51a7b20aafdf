"""What training refuses before it starts, and what stops it on the way."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from msm.configs import CurateConfig, DemonstrateConfig, MixCorpusConfig
from msm.corpus import curate
from msm.demonstrations import demonstrate
from msm.errors import UserError
from msm.execution import Execution
from msm.experiment import build_tasks, find_task
from msm.identity import RECORD
from msm.jsonl import write_shards
from msm.recipe import Recipe
from msm.recipe_file import load_recipe
from msm.stage import StageDefinition, run_stage
from msm.stages import definition
from msm.task import FileInput, Stage
from msm.training.guards import (
    check_clean,
    check_mask,
    check_memory,
    check_steps,
    check_trainable,
    free_memory,
)
from msm.training.memory_faults import memory_explained
from msm.training.schedule import warmup_steps
from msm.training.watch import HISTORY, LossWatch
from msm.training_settings import Optimisation

ROOT = Path(__file__).parents[1]


def test_an_aft_of_three_steps_is_refused_with_its_tokens_a_step() -> None:
    with pytest.raises(UserError, match="only 3 optimiser steps of up to 2,000,000 tokens"):
        check_steps([2_000_000, 1_900_000, 400_000], Optimisation())
    check_steps([80_000] * 50, Optimisation())


def test_a_step_that_holds_much_of_the_run_is_refused() -> None:
    even = [1_000] * 60
    check_steps(even, Optimisation())
    with pytest.raises(UserError, match="holds 9,000 of the run's 68,000 tokens"):
        check_steps([*even[:-1], 9_000], Optimisation())
    check_steps([1_000, 9_000], Optimisation(minimum_steps=2))


def test_a_warm_up_as_long_as_the_run_is_refused() -> None:
    assert warmup_steps(100, 0.05) == 5 and warmup_steps(3, 0.05) == 1
    check_steps([10] * 60, Optimisation(warmup=0.9))
    with pytest.raises(UserError, match="warm-up of 60 steps is no shorter than the run of 60"):
        check_steps([10] * 60, Optimisation(warmup=0.995))
    check_steps([10], Optimisation(minimum_steps=1))  # one step has to be its own warm-up


def test_a_row_without_a_counted_token_is_refused() -> None:
    check_mask([3, 1])
    with pytest.raises(UserError, match=r"2 rows have no token .* first row 2"):
        check_mask([3, 0, 5, 0])


def test_a_model_without_anything_to_train_is_refused() -> None:
    import torch

    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 3))
    assert check_trainable(model) == 3 * 4 + 4 + 4 * 3 + 3
    model[0].requires_grad_(False)
    assert check_trainable(model) == 4 * 3 + 3
    model.requires_grad_(False)
    with pytest.raises(UserError, match="nothing in the model can be trained"):
        check_trainable(model)


def test_a_trained_weight_that_is_tied_to_a_frozen_one_is_refused() -> None:
    import torch

    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3))
    model[1].weight = torch.nn.Parameter(model[0].weight.data, requires_grad=False)
    with pytest.raises(UserError, match="tied to a frozen one"):
        check_trainable(model)


def test_what_does_not_fit_is_refused_with_what_lowers_it() -> None:
    free = free_memory("cpu")
    assert free > 10**8
    check_memory(10**6, "cpu")
    with pytest.raises(UserError, match=r"cpu has .* free; set execution.trainer.activation"):
        check_memory(2.0 * free, "cpu")


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return load_recipe(ROOT / "recipes" / "tiny.yaml", ())


@pytest.fixture
def corpus(recipe: Recipe, tmp_path: Path) -> Path:
    """A corpus that the real stage curated, of the documents that the real stages made."""
    name = next(task.name for task in build_tasks(recipe) if task.stage is Stage.CURATE)
    folders: dict[str, Path] = {}
    for stage in (Stage.PLAN, Stage.WRITE, Stage.CURATE):
        task = find_task(recipe, stage, name)
        inputs = {
            role: item.path if isinstance(item, FileInput) else folders[item.stage]  # type: ignore[union-attr]
            for role, item in task.inputs.items()
        }
        folders[stage] = tmp_path / stage
        run_stage(definition(stage), task.config, inputs, folders[stage], Execution())
    return folders[Stage.CURATE]


def _chats(recipe: Recipe, name: str, out: Path) -> Path:
    task = find_task(recipe, Stage.DEMONSTRATE, name)
    assert isinstance(task.config, DemonstrateConfig)
    inputs = {role: item.path for role, item in task.inputs.items() if isinstance(item, FileInput)}
    made = StageDefinition("demonstrate", 1, lambda: demonstrate.run)
    run_stage(made, task.config, inputs, out, Execution())
    return out


def _edit(folder: Path, change: Mapping[str, Any]) -> None:
    record = json.loads((folder / RECORD).read_text())
    record["outcome"] |= change
    (folder / RECORD).write_text(json.dumps(record))


def test_a_corpus_as_curated_is_clean(recipe: Recipe, corpus: Path, tmp_path: Path) -> None:
    chats = _chats(recipe, "preference-s1", tmp_path / "preference")
    check_clean({"corpus": corpus, "chats-preference": chats, "student": tmp_path})


def test_a_corpus_that_was_not_compared_is_refused(corpus: Path) -> None:
    _edit(corpus, {"summary": {"words": 5}})
    with pytest.raises(UserError, match=r"was not compared with the evaluation.*run the stage"):
        check_clean({"corpus": corpus})


def test_a_corpus_with_contaminated_rows_is_refused(corpus: Path) -> None:
    record = json.loads((corpus / RECORD).read_text())
    record["outcome"]["summary"]["decontamination"]["documents_hit"] = 3
    _edit(corpus, {"summary": record["outcome"]["summary"], "dropped": {"eval prompt": 1}})
    with pytest.raises(UserError, match="has 2 documents that quote the evaluation"):
        check_clean({"corpus": corpus})
    _edit(corpus, {"dropped": {"eval prompt": 3}})
    check_clean({"corpus": corpus})


def test_a_mix_is_as_clean_as_what_it_is_made_of(corpus: Path, tmp_path: Path) -> None:
    made = StageDefinition("curate", 1, lambda: curate.run)
    mix = tmp_path / "mix"
    config: MixCorpusConfig | CurateConfig = MixCorpusConfig(share=0.5, seed=1)
    run_stage(made, config, {"corpus": corpus, "other": corpus}, mix, Execution())
    check_clean({"corpus": mix})
    _edit(corpus, {"summary": {}})
    with pytest.raises(UserError, match="was not compared"):
        check_clean({"corpus": mix})


def test_chats_kept_clear_of_another_evaluation_are_refused(
    recipe: Recipe, corpus: Path, tmp_path: Path
) -> None:
    suite = tmp_path / "other.yaml"
    suite.write_text((ROOT / "evals" / "price-origin.yaml").read_text())
    other = load_recipe(ROOT / "recipes" / "tiny.yaml", (f"evaluation.suite={suite}",))
    chats = _chats(other, "preference-s1", tmp_path / "preference")
    with pytest.raises(UserError, match="different evaluations"):
        check_clean({"corpus": corpus, "chats-preference": chats})


def test_a_folder_of_ones_own_has_no_record_to_check(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    write_shards(tmp_path / "own", "corpus", [{"id": "1", "text": "a"}])
    check_clean({"corpus": tmp_path / "own"})


def test_a_loss_that_is_no_number_names_the_last_good_checkpoint(tmp_path: Path) -> None:
    folder = tmp_path / "step-00000040"
    for loss in (math.nan, math.inf):
        with pytest.raises(UserError, match=r"step 42 is (nan|inf).*step 40 in .*step-00000040"):
            LossWatch(4.0).check(42, loss, (40, folder))
    with pytest.raises(UserError, match=r"no checkpoint yet.*lower the learning rate"):
        LossWatch(4.0).check(1, math.nan, None)
    with pytest.raises(UserError, match="gradient norm of step 3 is inf"):
        LossWatch(4.0).check_norm(3, math.inf, None)


def test_a_spike_is_measured_by_the_steps_before_once_there_are_enough() -> None:
    watch = LossWatch(4.0)
    watch.check(1, 11.0, None)
    watch.check(2, 60.0, None)  # early losses jump, and there is nothing yet to compare with
    for step in range(3, 3 + HISTORY):
        watch.check(step, 2.0 + 0.1 * (step % 3), None)
    watch.check(30, 7.9, None)
    with pytest.raises(UserError, match=r"step 31 is 9\.5, more than 4 times the 2\.1"):
        watch.check(31, 9.5, None)
    patient = LossWatch(10.0, watch.recent)
    patient.check(31, 9.5, None)


def test_a_device_that_is_full_is_said_to_be_with_what_helps() -> None:
    with (
        pytest.raises(UserError, match=r"packs of up to 8,192 tokens; set execution\.trainer"),
        memory_explained("cpu", 8192),
    ):
        torch.empty(10**15)
    with pytest.raises(RuntimeError, match="inconsistent"), memory_explained("cpu", 8192):
        torch.empty(2) @ torch.empty(3)
