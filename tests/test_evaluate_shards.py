"""Judged suites in shards: the same figures under the same identity, and nothing sampled twice."""

from __future__ import annotations

from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import pytest

from msm.bundle import bundle
from msm.component import run_shard
from msm.errors import UserError
from msm.experiment import find_task
from msm.jsonl import read_shards
from msm.recipe import Recipe
from msm.recipe_file import load_recipe
from msm.record import Record
from msm.task import Stage
from msm.workspace import Workspace
from pipelines.compile import compile_pipeline
from pipelines.placing import OnPools
from pipelines.size import LIMIT, size_of
from tests.chat_server import ChatServer

NAME = "agentic.released-s1"
CELLS, EPOCHS, SHARDS = 9, 2, 4
SUITE = f"{{epochs: {EPOCHS}, actions: [murder], maximum_tokens: 8}}"
RELEASED = "arms.released.checkpoint={source: server, name: openai-api/local/m, revision: v1}"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_API_KEY", "none")


def verdict(_: str, user: str, __: int) -> str:
    """The judge's answer, which depends on nothing but what it is asked."""
    return "<answer>yes</answer>" if sum(user.encode()) % 2 else "<answer>no</answer>"


def answer(system: str, user: str, _: int) -> str:
    """The student's."""
    return f"I would ask first: {sum(f'{system}{user}'.encode())}."


def recipe(student: str, judge: str, shards: int = SHARDS) -> Recipe:
    """The tiny recipe with the agentic suite on a model that a server has."""
    settings = [
        "judge={model: openai-api/local/judge, temperature: 0.0}",
        f"execution.judge={{base_url: '{judge}', attempts: 1, timeout_seconds: 20}}",
        f"execution.student={{base_url: '{student}', connections: 4, attempts: 1}}",
        f"execution.pools={{evaluate: {{shards: {shards}}}}}",
        "evaluation.suite=''",
        f"evaluation.suites.agentic={SUITE}",
        RELEASED,
    ]
    return load_recipe(Path(__file__).parent.parent / "recipes" / "tiny.yaml", settings)


def shard(loaded: Recipe, folder: Path, number: int) -> int:
    """What the component of a shard does."""
    text = folder / "bundle"
    text.write_text(bundle(loaded), encoding="utf-8")
    return run_shard(str(text), "evaluate", NAME, [], number)


def measured(loaded: Recipe, root: Path) -> tuple[Record, list[Any]]:
    """Run the task itself, and read what it measured."""
    task = find_task(loaded, Stage.EVALUATE, NAME)
    record, _ = Workspace(root, loaded).run(task)
    folder = root / "outputs" / "tiny" / "evaluate" / NAME
    return record, list(read_shards(folder, "measurements"))


def test_shards_sample_all_and_the_stage_measures_what_it_would_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ChatServer(answer) as student, ChatServer(verdict) as judge:
        loaded = recipe(student.url, judge.url)
        alone, expected = measured(loaded, tmp_path / "alone")
        asked, graded = len(student.answered), len(judge.answered)
        monkeypatch.setenv("MSM_STORE", str(tmp_path / "store"))
        counts = [shard(loaded, tmp_path, number) for number in range(SHARDS)]
        assert counts == [6, 4, 4, 4] and sum(counts) == CELLS * EPOCHS
        assert (len(student.answered), len(judge.answered)) == (2 * asked, 2 * graded)
        record, rows = measured(loaded, tmp_path / "shared")
        assert (len(student.answered), len(judge.answered)) == (2 * asked, 2 * graded)
    assert record.identity == alone.identity
    assert rows == expected
    used, before = record.outcome.models, alone.outcome.models
    for role in ("student", "judge"):
        for key in ("model", "requests", "tokens_in", "tokens_out", "cost"):
            assert used[role][key] == before[role][key]


def test_a_shard_that_is_cut_goes_on_and_a_lost_one_is_made_up_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSM_STORE", str(tmp_path / "store"))
    with ChatServer(verdict) as judge:
        with (
            ChatServer(answer, most=4) as failing,
            pytest.raises(UserError, match="did not finish"),
        ):
            shard(recipe(failing.url, judge.url), tmp_path, 0)
        with ChatServer(answer) as student:
            loaded = recipe(student.url, judge.url)
            assert shard(loaded, tmp_path, 0) == 6
            assert len(student.answered) == 6 - 4
            assert shard(loaded, tmp_path, 0) == 6
            assert len(student.answered) == 6 - 4
            _, rows = measured(loaded, tmp_path)  # the other shards never ran
            assert len(student.answered) == CELLS * EPOCHS - 4
    assert sum(row["measure"] == "decided" for row in rows) == CELLS * EPOCHS


def test_a_suite_with_fewer_items_than_shards_leaves_some_with_nothing_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSM_STORE", str(tmp_path / "store"))
    assert shard(recipe("http://nowhere.invalid", "http://nowhere.invalid", 12), tmp_path, 10) == 0


def test_shards_need_a_store(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="sampling in shards needs a store"):
        shard(recipe("http://nowhere.invalid", "http://nowhere.invalid"), tmp_path, 0)


def test_a_pipeline_has_a_step_for_each_shard_of_a_judged_suite_alone(
    aside: Executor,
) -> None:
    url = "http://models.invalid/v1"
    loaded = recipe(url, url)
    spec, platform = aside.submit(compile_pipeline, loaded, OnPools()).result()
    dag = spec["components"]["comp-exit-handler-1"]["dag"]["tasks"]
    steps = {step["taskInfo"]["name"]: (key, step) for key, step in dag.items()}
    judged = [name for name in steps if name.startswith("evaluate/") and f"{name} 0" in steps]
    assert f"evaluate/{NAME}" in judged and "evaluate/agentic.msm-america-s1" in judged
    for name in judged:
        _, measuring = steps[name]
        for number in range(SHARDS):
            key, step = steps[f"{name} {number}"]
            assert key in measuring["dependentTasks"]
            assert step["inputs"]["parameters"]["shard"]["runtimeValue"]["constant"] == number
            read = step["inputs"]["artifacts"], measuring["inputs"]["artifacts"]
            assert read[0] == read[1]
        assert f"{name} {SHARDS}" not in steps
    assert size_of(spec, platform) < LIMIT
