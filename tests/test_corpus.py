"""The stages plan and write: clear of the evaluation, resumed exactly."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from msm.configs import PlanConfig, WriteConfig
from msm.corpus import plan, write
from msm.evals.items import held_out_words, read_suite
from msm.evals.vocabulary import overlap
from msm.execution import Execution
from msm.identity import WORK, file_digests
from msm.jsonl import read_shards, to_line
from msm.model_choice import ModelChoice

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
