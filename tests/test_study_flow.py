"""Two small twins from end to end, with a student of random weights for speed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from msm.experiment import build_tasks
from msm.jsonl import read_shards
from msm.recipe_file import load_recipe
from msm.record import Record, read_record
from tests.commands import identities, msm

pytestmark = pytest.mark.slow

# The random student reads one byte a token, and none of it has a meaning to it.
RANDOM = (
    "student={source: random, hidden: 32, layers: 2, seed: 0}",
    "training.documents.maximum_length=4096",
    "training.chats.maximum_length=4096",
    "training.lora={rank: 4, alpha: 8, first_layer: 0}",
    "training.precision=fp32",
    "evaluation.precision=fp32",
    "analysis.resamples=200",
)
SETTINGS = [part for setting in RANDOM for part in ("--set", setting)]


def _run(study: str, root: Path, workspace: Path) -> Path:
    """Run the twin of a study; returns the folder of its outputs, all of which are there."""
    recipe = root / "recipes" / "studies" / f"{study}.yaml"
    done = msm("run", recipe, "--profile", "small", *SETTINGS, cwd=workspace)
    assert done.returncode == 0, done.stderr
    assert f"msm status {recipe} --profile small" in done.stdout
    outputs = workspace / "outputs" / f"study-{study}-small"
    tasks = build_tasks(load_recipe(recipe, RANDOM, "small"))
    assert set(identities(outputs)) == {task.label for task in tasks}
    again = msm("status", recipe, "--profile", "small", *SETTINGS, cwd=workspace)
    assert again.stdout.strip().splitlines()[-1] == f"{len(tasks)} done"
    return outputs


def _record(folder: Path) -> Record:
    record = read_record(folder)
    assert record is not None
    return record


def test_chats_before_documents(root: Path, tmp_path: Path) -> None:
    outputs = _run("order", root, tmp_path)
    chats = _record(outputs / "train" / "aft-cot-s1")
    assert set(chats.inputs) == {"student", "chats-instruction", "chats-reasoned"}
    documents = _record(outputs / "train" / "aft-cot+msm-existence-s1")
    assert documents.inputs["checkpoint"].identity == chats.identity
    assert documents.outcome.summary["adapter"] == "continued"
    mix = _record(outputs / "train" / "aft-cot+msm+mix-existence-s1")
    assert mix.inputs["checkpoint"].identity == documents.identity
    other = _record(outputs / "train" / "msm+aft-cot-existence-s1")
    assert other.inputs["chats-reasoned"].identity == chats.inputs["chats-reasoned"].identity
    assert other.identity not in (documents.identity, mix.identity)
    # The analysis asks nothing of the word pairs, which are scored beside the suites.
    page = outputs / "report" / "study-order-small" / "report.md"
    text = page.read_text(encoding="utf-8")
    assert "Differences between arms" in text
    assert "Stacking was not tested" not in text
    assert "Headline contrasts" not in text


def test_contrary_data_in_chats_and_in_documents(root: Path, tmp_path: Path) -> None:
    outputs = _run("contamination", root, tmp_path)
    clean = read_shards(outputs / "demonstrate" / "reasoned-s1", "chats")
    mixed = read_shards(outputs / "demonstrate" / "reasoned-50-s1", "chats")
    assert len(mixed) == len(clean)
    assert sum(one == other for one, other in zip(clean, mixed, strict=True)) == len(clean) // 2
    corpus = _record(outputs / "curate" / "existence-s1").outcome
    replaced = _record(outputs / "curate" / "existence+50-opposite-s1").outcome
    assert replaced.rows_out == corpus.rows_out
    assert replaced.dropped == {"replaced": round(corpus.rows_out / 2)}
    trained = _record(outputs / "train" / "documents+50-opposite-existence-s1")
    assert trained.outcome.rows_in == corpus.rows_out
    registered = outputs / "register" / "study-contamination-small" / "registration.json"
    candidate = json.loads(registered.read_text(encoding="utf-8"))["candidate"]
    assert candidate == "msm+aft-cot-existence-s1"  # never one that saw the opposite
