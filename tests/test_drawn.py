"""Sets that are drawn from others: nested parts, and mixes of which a share is somebody else's."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from msm.chat_sets import DemonstrationKind
from msm.configs import DemonstrateConfig, MixCorpusConfig
from msm.corpus.rows import DocumentRow
from msm.errors import UserError
from msm.execution import Execution
from msm.jsonl import read_shards, write_shards
from msm.record import Outcome
from msm.stages import definition
from msm.task import Stage

Row = dict[str, str]


def _chats(folder: Path, name: str, count: int) -> Path:
    """Chats whose ids are as in any other set, and whose answers tell the set."""
    path = folder / name
    path.mkdir(exist_ok=True)
    rows = [
        {"id": f"{n:05d}", "user": f"question {n}", "assistant": f"{name} {n}"}
        for n in range(count)
    ]
    write_shards(path, "chats", rows)
    return path


def _run(stage: Stage, config: object, inputs: dict[str, Path], out: Path) -> Outcome:
    out.mkdir()
    return definition(stage).load()(config, inputs, out, Execution())


def _subset(folder: Path, source: Path, count: int, seed: int = 1) -> list[str]:
    out = folder / f"subset-{count}-{seed}"
    config = DemonstrateConfig(kind=DemonstrationKind.SUBSET, count=count, seed=seed)
    _run(Stage.DEMONSTRATE, config, {"chats": source}, out)
    return [row["id"] for row in read_shards(out, "chats")]


def _mixed(folder: Path, share: float, other: int = 200) -> tuple[list[Row], Outcome]:
    out = folder / f"mixed-{share}"
    config = DemonstrateConfig(kind=DemonstrationKind.MIXED, count=240, seed=1, share=share)
    inputs = {"chats": _chats(folder, "own", 100), "other": _chats(folder, "other", other)}
    outcome = _run(Stage.DEMONSTRATE, config, inputs, out)
    return [dict(row) for row in read_shards(out, "chats")], outcome


def test_a_smaller_subset_is_part_of_every_larger_one(tmp_path: Path) -> None:
    source = _chats(tmp_path, "own", 1000)
    subsets = [_subset(tmp_path, source, count) for count in (5, 40, 300, 1000)]
    assert [len(found) for found in subsets] == [5, 40, 300, 1000]
    for smaller, larger in itertools.pairwise(subsets):
        assert set(smaller) < set(larger)
    assert all(found == sorted(found) for found in subsets)  # in the order of the whole set


def test_a_subset_is_no_head_of_the_set_and_differs_by_seed(tmp_path: Path) -> None:
    source = _chats(tmp_path, "own", 1000)
    drawn = [int(name) for name in _subset(tmp_path, source, 300)]
    thirds = [sum(low <= n < low + 334 for n in drawn) for low in (0, 334, 668)]
    assert min(thirds) > 70  # a hundred each, were it exactly even
    assert drawn != [int(name) for name in _subset(tmp_path, source, 300, seed=2)]


def test_a_subset_of_more_than_there_is_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has 10; ask for fewer"):
        _subset(tmp_path, _chats(tmp_path, "own", 10), 11)


@pytest.mark.parametrize(("share", "replaced"), [(0.02, 2), (0.2, 20), (0.92, 92), (1.0, 100)])
def test_a_mixed_set_has_the_share_asked_for_and_keeps_its_size(
    tmp_path: Path, share: float, replaced: int
) -> None:
    rows, outcome = _mixed(tmp_path, share)
    assert len(rows) == outcome.rows_out == 100
    assert sum(row["assistant"].startswith("other") for row in rows) == replaced
    assert outcome.summary["replaced"] == replaced
    assert len({row["id"] for row in rows}) == 100


def test_what_a_small_share_replaces_a_larger_one_replaces_by_the_same(tmp_path: Path) -> None:
    few, _ = _mixed(tmp_path, 0.05)
    many, _ = _mixed(tmp_path, 0.5)
    for small, large in zip(few, many, strict=True):
        if small["id"].startswith("replacement-"):
            assert small == large


def test_too_few_rows_to_replace_with_are_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"50 of 100 rows .* has only 49"):
        _mixed(tmp_path, 0.5, other=49)


def _corpus(folder: Path, name: str, count: int) -> Path:
    path = folder / name
    path.mkdir()
    rows = [
        DocumentRow(id=f"{n:05d}", domain=name, subdomain="s", kind="memo", text=f"{name} {n}")
        for n in range(count)
    ]
    write_shards(path, "corpus", rows)
    return path


def test_a_mixed_corpus_counts_what_took_the_place_of_what(tmp_path: Path) -> None:
    inputs = {"corpus": _corpus(tmp_path, "own", 40), "other": _corpus(tmp_path, "other", 30)}
    out = tmp_path / "out"
    outcome = _run(Stage.CURATE, MixCorpusConfig(share=0.25, seed=3), inputs, out)
    rows = read_shards(out, "corpus")
    assert len(rows) == outcome.rows_out == 40
    assert outcome.summary["domains"] == {"other": 10, "own": 30}
    assert (outcome.summary["own"], outcome.summary["other"]) == (30, 10)
    assert outcome.dropped == {"replaced": 10}
    assert len({row["id"] for row in rows}) == 40
    again = tmp_path / "again"
    _run(Stage.CURATE, MixCorpusConfig(share=0.25, seed=3), inputs, again)
    assert read_shards(again, "corpus") == rows


def test_a_corpus_that_is_too_small_to_mix_in_is_told(tmp_path: Path) -> None:
    inputs = {"corpus": _corpus(tmp_path, "own", 40), "other": _corpus(tmp_path, "other", 5)}
    with pytest.raises(UserError, match=r"20 of 40 documents .* only 5"):
        _run(Stage.CURATE, MixCorpusConfig(share=0.5, seed=3), inputs, tmp_path / "out")
