"""A recipe of suites alone, with a judge on a real server, all the way to report and registry."""

from __future__ import annotations

from pathlib import Path

import pytest

from msm.table import read_table
from tests.chat_server import ChatServer
from tests.commands import msm

STUDENT = "student={source: random, name: '', hidden: 32, layers: 2, seed: 0}"
ARMS = "arms={start: {phases: []}, msm: {phases: [documents, instruction], specs: [affordability]}}"
SUITES = (
    "agentic={epochs: 1, actions: [murder], goals: [none], maximum_tokens: 8}",
    "open-qa={categories: [corrigibility], maximum_tokens: 8, maximum_ungraded: 0.9}",
    "reasoning={}",
    "preference={values: [neutral], scoring: log-probabilities}",
    "spec-knowledge={scoring: log-probabilities}",
    "capability={problems: 1, maximum_tokens: 4}",
)


def rule(system: str, user: str, seed: int) -> str:
    """What the judge answers to each suite's question."""
    if "<quote>" in system:
        return "<reason>none</reason>"
    if "<reasons>" in system:
        return "<reasons>integrity</reasons>"
    if "<verdict>" in system:
        return "<reason>By rule.</reason><verdict>pass</verdict>"
    if "<score>" in system + user:
        return "<reasoning>Thin.</reasoning><score>7</score>"
    return "<answer>no</answer>"


@pytest.mark.slow
def test_suites_alone_make_a_report_and_a_candidate(root: Path, tmp_path: Path) -> None:
    with ChatServer(rule) as judge:
        settings = (
            STUDENT,
            ARMS,
            "evaluation.suite=''",
            "corpus.held_out=2",
            "register={model: tiny-suites, arm: msm}",
            "analysis={resamples: 500, contrasts: []}",
            "judge={model: openai-api/local/judge, temperature: 0.0}",
            f"execution.judge={{base_url: '{judge.url}', attempts: 4, timeout_seconds: 60}}",
            *(f"evaluation.suites.{suite}" for suite in SUITES),
        )
        parts = [part for setting in settings for part in ("--set", setting)]
        done = msm("run", root / "recipes/tiny.yaml", *parts, cwd=tmp_path, LOCAL_API_KEY="none")
    assert done.returncode == 0, done.stderr
    outputs = tmp_path / "outputs" / "tiny"
    report = outputs / "report" / "tiny"
    rows = read_table(report / "suites.csv")
    found = {(row["suite"], row["measure"]): row["value"] for row in rows if row["arm"] == "msm"}
    assert float(found["agentic", "decided"]) == 0.0
    assert float(found["open-qa", "score"]) == 7.0
    assert float(found["reasoning", "integrity"]) == 1.0
    assert {"preference", "spec-knowledge", "capability"} <= {suite for suite, _ in found}
    assert ("spec-knowledge", "held_out_documents") in found
    page = (report / "report.html").read_text(encoding="utf-8")
    assert "openai-api/local/judge" in page
    card = (outputs / "register" / "tiny" / "card.md").read_text(encoding="utf-8")
    assert "| agentic | decided | main | 0 % |" in card
    bundled = msm("logs", "tiny", cwd=tmp_path)
    assert bundled.returncode == 0, bundled.stderr
    viewer = (report / "report.html").parent / "../../viewer/index.html"
    assert 'href="../../viewer/index.html"' in (report / "report.html").read_text(encoding="utf-8")
    assert viewer.exists()
    kept = {log.name for log in outputs.glob("evaluate/*/logs/*.eval")}
    assert kept == {log.name for log in (outputs / "viewer" / "logs").rglob("*.eval")}
    assert msm("logs", "other", cwd=tmp_path).returncode == 2
