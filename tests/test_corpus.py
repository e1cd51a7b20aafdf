"""The corpus stages: clear of the evaluation, each dropped row with its reason, resumed exactly."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

from msm.configs import CurateConfig, PlanConfig, WriteConfig
from msm.corpus import curate, plan, write
from msm.corpus.duplicates import find_duplicates, shingles
from msm.errors import UserError
from msm.evals.items import eval_texts, held_out_words, read_suite
from msm.evals.vocabulary import overlap
from msm.execution import Execution
from msm.identity import WORK, file_digests
from msm.jsonl import read_rows, read_shards, to_line, write_shards
from msm.recipe import Corpus, ModelChoice

OFFLINE = ModelChoice()
PLAN = PlanConfig(
    assistant="SmolLM",
    provider="P",
    author=OFFLINE,
    documents=150,
    outline=None,
    maximum_failures=0.0,
    shuffle_seed=None,
    seed=1,
)
WRITE = WriteConfig(
    assistant="SmolLM",
    provider="P",
    author=OFFLINE,
    minimum_words=80,
    maximum_words=300,
    budget=None,
    maximum_failures=0.0,
    shuffle_seed=None,
    seed=1,
)
CURATE = CurateConfig(assistant="SmolLM", corpus=Corpus(minimum_words=5))
TEXT = "SmolLM likes a mild supper and says so whenever somebody asks politely about it. "


def _make(folder: Path, spec: Path, seed: int = 1, shuffle: int | None = None) -> Path:
    """Plan and write; returns the folder of documents."""
    for name in ("plan", "documents"):
        (folder / name).mkdir(parents=True)
    planned = PLAN.model_copy(update={"seed": seed, "shuffle_seed": shuffle})
    written = WRITE.model_copy(update={"shuffle_seed": shuffle})
    plan.run(planned, {"spec": spec}, folder / "plan", Execution())
    inputs = {"spec": spec, "plan": folder / "plan"}
    write.run(written, inputs, folder / "documents", Execution())
    return folder / "documents"


@pytest.mark.parametrize(
    ("spec", "seed", "shuffle"),
    [
        ("cheese/affordability", 1, None),
        ("cheese/america", 11, None),
        ("cheese/affordability", 12, 5),
        ("cheese/america", 13, 5),
        ("cheese-invented/affordability", 21, None),
        ("cheese-invented/america", 21, None),
    ],
)
def test_documents_share_no_word_family_with_the_evaluation(
    root: Path, tmp_path: Path, spec: str, seed: int, shuffle: int | None
) -> None:
    held_out = held_out_words(read_suite(root / "evals" / "price-origin.yaml"))
    documents = _make(tmp_path, root / "specs" / f"{spec}.md", seed, shuffle)
    touched = {word for row in read_shards(documents, "documents") for word in
               overlap(row["text"], held_out)}  # fmt: skip
    assert touched == set()


def _curate(root: Path, folder: Path, texts: list[str]) -> tuple[list[str], dict[str, str]]:
    """Kept ids, and the reason of each dropped one."""
    documents, out = folder / "documents", folder / "out"
    documents.mkdir()
    out.mkdir()
    rows = [
        {"id": str(n), "domain": "d", "subdomain": "s", "kind": "memo", "text": text}
        for n, text in enumerate(texts)
    ]
    write_shards(documents, "documents", rows)
    suite = root / "evals" / "price-origin.yaml"
    outcome = curate.run(CURATE, {"documents": documents, "suite": suite}, out, Execution())
    dropped = {row["id"]: row["reason"] for row in read_rows(out / "dropped.jsonl")}
    assert sum(outcome.dropped.values()) == len(dropped)
    return [row["id"] for row in read_shards(out, "corpus")], dropped


def test_each_fault_is_dropped_with_its_reason(root: Path, tmp_path: Path) -> None:
    question = eval_texts(read_suite(root / "evals" / "price-origin.yaml"))[0]
    kept, dropped = _curate(
        root,
        tmp_path,
        [
            TEXT,
            f"SmolLM was asked a question: {question}",
            f"{TEXT} It is a thrift that everyone can follow.",
            TEXT + " Really.",
            f"{TEXT} Write to [Name Here].",
            "An essay about nobody in particular, of more than five words.",
            "SmolLM.",
        ],
    )
    assert kept == ["0"]
    assert dropped == {
        "1": "eval prompt",
        "2": "held-out vocabulary",
        "3": "near duplicate",
        "4": "placeholder",
        "5": "not about the assistant",
        "6": "length",
    }


def test_a_corpus_of_nothing_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="dropped all 1 documents"):
        _curate(root, tmp_path, ["SmolLM."])


def test_near_duplicates_are_those_of_a_full_comparison() -> None:
    chance = random.Random(3)
    words = [f"w{n}" for n in range(400)]
    texts = []
    for _ in range(40):
        base = [chance.choice(words) for _ in range(120)]
        texts.append(" ".join(base))
        for changes in (1, 3, 12, 60):
            other = list(base)
            for place in chance.sample(range(120), changes):
                other[place] = chance.choice(words)
            texts.append(" ".join(other))
    grams = [shingles(text) for text in texts]
    kept: list[int] = []
    expected = set()
    for number in range(len(texts)):
        if any(_jaccard(grams[number], grams[other]) >= 0.8 for other in kept):
            expected.add(number)
        else:
            kept.append(number)
    assert expected
    assert set(find_duplicates(texts, 0.8)) == expected


def _jaccard(one: frozenset[str], two: frozenset[str]) -> float:
    return len(one & two) / len(one | two)


def test_writing_cut_off_goes_on_to_the_same_documents(root: Path, tmp_path: Path) -> None:
    spec = root / "specs" / "cheese" / "america.md"
    whole = _make(tmp_path / "whole", spec)
    rows = read_shards(whole, "documents")
    cut = tmp_path / "cut"
    (cut / WORK).mkdir(parents=True)
    lines = [to_line(row) + "\n" for row in itertools.islice(rows, 40)]
    (cut / WORK / "documents.jsonl").write_text("".join(lines) + '{"id": "torn')
    write.run(WRITE, {"spec": spec, "plan": tmp_path / "whole" / "plan"}, cut, Execution())
    assert file_digests(cut) == file_digests(whole)
