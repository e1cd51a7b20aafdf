"""Writing in shards: the same output under the same identity, and nothing is asked twice."""

from __future__ import annotations

import json
from concurrent.futures import Executor
from pathlib import Path

import pytest

from msm.bundle import bundle
from msm.component import Given, run_shard
from msm.errors import UserError
from msm.identity import digest_path
from msm.recipe_file import load_recipe
from msm.task import Stage
from pipelines.compile import compile_pipeline
from pipelines.placing import OnPools
from pipelines.size import LIMIT, size_of
from tests.author_recipe import CORPUS, RECIPE, make, output, settings
from tests.author_server import AuthorServer

SHARDS = 'execution.pools={"write": {"shards": 3}}'


def _shard(chosen: list[str], root: Path, shard: int) -> int:
    plan = output(Stage.PLAN, root)
    text = root / "bundle"
    text.write_text(bundle(load_recipe(RECIPE, chosen)), encoding="utf-8")
    return run_shard(str(text), "write", CORPUS, [Given(str(plan), digest_path(plan))], shard)


def test_shards_ask_for_all_and_the_stage_makes_the_same_output_of_it(
    tmp_path: Path, author: AuthorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    chosen = settings(author.url)
    for root in (alone, shared):
        make(Stage.PLAN, root, chosen)
    expected = make(Stage.WRITE, alone, chosen)
    monkeypatch.setenv("MSM_STORE", str(tmp_path / "store"))
    sharded = [*chosen, SHARDS]
    answers = [_shard(sharded, shared, shard) for shard in range(3)]
    assert all(answers) and sum(answers) == expected.outcome.models["author"]["requests"]
    author.stop()
    record = make(Stage.WRITE, shared, sharded)
    assert (record.identity, record.digest) == (expected.identity, expected.digest)
    assert record.outcome.tokens == expected.outcome.tokens
    assert record.outcome.rows_out == expected.outcome.rows_out


def test_a_shard_that_is_tried_again_asks_for_nothing_twice_and_a_lost_one_is_made_up_for(
    tmp_path: Path, author: AuthorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSM_STORE", str(tmp_path / "store"))
    sharded = [*settings(author.url), SHARDS]
    make(Stage.PLAN, tmp_path, sharded)
    first = _shard(sharded, tmp_path, 0)
    asked = author.answers()
    assert _shard(sharded, tmp_path, 0) == first
    assert author.answers() == asked
    record = make(Stage.WRITE, tmp_path, sharded)  # shards 1 and 2 never ran
    assert record.outcome.rows_out == 24


def test_shards_need_a_store(tmp_path: Path, author: AuthorServer) -> None:
    sharded = [*settings(author.url), SHARDS]
    make(Stage.PLAN, tmp_path, sharded)
    with pytest.raises(UserError, match="writing in shards needs a store"):
        _shard(sharded, tmp_path, 0)


def test_a_pipeline_has_a_step_for_each_shard_before_the_one_that_writes(
    aside: Executor,
) -> None:
    recipe = load_recipe(RECIPE, [*settings("http://author.invalid/v1"), SHARDS])
    spec, platform = aside.submit(compile_pipeline, recipe, OnPools()).result()
    dag = spec["components"]["comp-exit-handler-1"]["dag"]["tasks"]
    steps = {step["taskInfo"]["name"]: (key, step) for key, step in dag.items()}
    for name in ("america-s1", "affordability-s1"):
        _, writing = steps[f"write/{name}"]
        for shard in range(3):
            key, step = steps[f"write/{name} {shard}"]
            assert key in writing["dependentTasks"]
            given = step["inputs"]["parameters"]
            assert given["shard"]["runtimeValue"]["constant"] == shard
            assert given["name"]["runtimeValue"]["constant"] == name
            plan = step["inputs"]["artifacts"]["plan"]["taskOutputArtifact"]["producerTask"]
            assert dag[plan]["taskInfo"]["name"] == f"plan/{name}"
    assert len([label for label in steps if label.startswith("write/")]) == 8
    assert size_of(spec, platform) < LIMIT
    json.dumps(spec)


def test_an_author_without_a_model_needs_no_shards(
    aside: Executor,
) -> None:
    spec, _ = aside.submit(compile_pipeline, load_recipe(RECIPE, [SHARDS]), OnPools()).result()
    dag = spec["components"]["comp-exit-handler-1"]["dag"]["tasks"]
    assert not [key for key in dag if "shard" in key]
