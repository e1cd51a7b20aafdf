"""The recipe over specs of principles, in small: documents, chats with and without reasoning."""

from __future__ import annotations

from pathlib import Path

import pytest

from msm.jsonl import read_shards
from tests.commands import msm

SMALL = (
    "student={source: random, name: '', hidden: 32, layers: 2, seed: 0}",
    "corpus={documents: 8}",
    "demonstrations.reasoned.count=16",
    "demonstrations.instruction.count=16",
    "training.documents={maximum_length: 2560, minimum_steps: 1}",
    "training.chats={maximum_length: 2560, minimum_steps: 1}",
    "training.lora={rank: 4, alpha: 8, first_layer: 0}",
    "training.precision=fp32",
    "evaluation.precision=fp32",
    "analysis.resamples=500",
)


@pytest.mark.slow
def test_specs_of_principles_go_all_the_way_to_a_report(root: Path, tmp_path: Path) -> None:
    settings = [part for setting in SMALL for part in ("--set", setting)]
    suite = f"evaluation.suite={root / 'evals' / 'tiny.yaml'}"
    recipe = root / "recipes" / "oversight.yaml"
    done = msm("run", recipe, *settings, "--set", suite, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    outputs = tmp_path / "outputs" / "oversight"
    reasoned = read_shards(outputs / "demonstrate" / "reasoned-s1", "chats")
    plain = read_shards(outputs / "demonstrate" / "plain-s1", "chats")
    assert [row["user"] for row in plain] == [row["user"] for row in reasoned]
    assert all(row["assistant"].startswith("<think>") for row in reasoned)
    assert all("<think>" not in row["assistant"] for row in plain)
    report = (outputs / "report" / "oversight" / "report.md").read_text(encoding="utf-8")
    assert "MSM on the opposite less MSM on existence" in report
