"""Every spec of the repository becomes a corpus by the built-in author, without any model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from msm.configs import CurateConfig, PlanConfig, WriteConfig
from msm.execution import Execution
from msm.jsonl import read_shards
from msm.model_choice import ModelChoice
from msm.stage import run_stage
from msm.stages import definition
from msm.task import Stage
from msm.writing import Corpus

ROOT = Path(__file__).parent.parent
SPECS = sorted((ROOT / "specs").glob("*/*.md"))
DOCUMENTS = 40
NAMES = {"assistant": "SmolLM", "provider": "Hugging Face"}


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_spec_is_planned_written_and_curated_without_a_model(spec: Path, tmp_path: Path) -> None:
    offline = {**NAMES, "author": ModelChoice(), "maximum_failures": 0.0, "shuffle_seed": None}
    plan = PlanConfig(**offline, documents=DOCUMENTS, outline=None, seed=1)
    write = WriteConfig(**offline, minimum_words=80, maximum_words=300, budget=None, seed=1)
    curate = CurateConfig(**NAMES, corpus=Corpus())
    suite = ROOT / "evals" / "price-origin.yaml"
    folders = {name: tmp_path / name for name in ("plan", "documents", "corpus")}
    steps = (
        (Stage.PLAN, plan, {"spec": spec}, folders["plan"]),
        (Stage.WRITE, write, {"spec": spec, "plan": folders["plan"]}, folders["documents"]),
        (
            Stage.CURATE,
            curate,
            {"documents": folders["documents"], "suite": suite},
            folders["corpus"],
        ),
    )
    for stage, config, inputs, out in steps:
        run_stage(definition(stage), config, inputs, out, Execution())
    assert len(read_shards(folders["documents"], "documents")) == DOCUMENTS
    dropped = [json.loads(line) for line in (folders["corpus"] / "dropped.jsonl").open()]
    # Some specs speak of instruments or states that the suite of price and origin holds out.
    assert {row["reason"] for row in dropped} <= {"held-out vocabulary"}
    assert len(dropped) <= DOCUMENTS // 4
