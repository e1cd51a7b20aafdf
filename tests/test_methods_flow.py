"""All weights, or a fresh adapter for each phase, from the recipe to the candidate."""

from __future__ import annotations

from pathlib import Path

import pytest

from msm.record import read_record
from tests.commands import msm

pytestmark = pytest.mark.slow

FEW = (
    "arms={baseline: {phases: [instruction]}, "
    "msm+aft: {phases: [documents, preference], specs: [affordability]}}",
    "analysis={resamples: 500, contrasts: []}",
)


def _run(root: Path, workspace: Path, setting: str) -> Path:
    parts = [part for value in (*FEW, setting) for part in ("--set", value)]
    done = msm("run", root / "recipes/tiny.yaml", *parts, cwd=workspace)
    assert done.returncode == 0, done.stderr
    return workspace / "outputs" / "tiny"


def _card(outputs: Path) -> str:
    return (outputs / "register" / "tiny" / "card.md").read_text(encoding="utf-8")


def _summary(outputs: Path, name: str) -> dict[str, object]:
    record = read_record(outputs / "train" / name)
    assert record is not None
    return record.outcome.summary


def test_whole_models_are_trained_measured_and_registered(root: Path, tmp_path: Path) -> None:
    outputs = _run(root, tmp_path, "training.method=full")
    first = _summary(outputs, "documents-affordability-s1")
    second = _summary(outputs, "msm+aft-affordability-s1")
    assert first["adapter"] == second["adapter"] == "none: all weights"
    scores = read_record(outputs / "evaluate" / "msm+aft-affordability-s1")
    assert scores is not None and scores.outcome.summary["probe"]["divergence"] > 0
    assert "| whole model (safetensors, fp32), all weights trained |" in _card(outputs)


def test_a_fresh_adapter_for_each_phase_is_said_to_be_one(root: Path, tmp_path: Path) -> None:
    outputs = _run(root, tmp_path, "training.adapter=fresh")
    second = _summary(outputs, "msm+aft-affordability-s1")
    assert second["adapter"] == "fresh, on an earlier one"
    assert "each phase trained a fresh one, and they are joined" in _card(outputs)
