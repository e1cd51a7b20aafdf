"""The stages of the capability and spec-knowledge suites: what they hand to the report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from inspect_ai.model import Model

from msm.configs import SuiteConfig
from msm.errors import UserError
from msm.evals.capability.general_text import general_paragraphs
from msm.evals.capability.lm_eval_tasks import require_lm_eval
from msm.evals.capability.named_measure import named_measure, named_measurements
from msm.evals.capability.part import Part
from msm.evals.capability.problems import capability_problems
from msm.evals.capability.stage import run_capability
from msm.evals.found import LOGS, write_found
from msm.evals.spec_knowledge.stage import run_knowledge, stage_questions
from msm.evals.subject import Weights
from msm.execution import Execution
from msm.suites import CapabilitySuite, KnowledgeSuite, SuiteName
from msm.training_settings import Precision
from tests.mock_models import mock_model


@dataclass(frozen=True)
class Mocked(Weights):
    """Weights of a tiny model whose answers are a mock's."""

    answer: str = ""

    def answering(self, temperature: float) -> Model:
        assert temperature == 0.0
        return mock_model("student", lambda number, prompt: self.answer)[0]


def _subject(student: Path, work: Path, answer: str) -> Mocked:
    return Mocked(student, None, Precision.FP32, 1, Execution(), work, answer)


def _config(suite: SuiteName, settings: CapabilitySuite | KnowledgeSuite) -> SuiteConfig:
    return SuiteConfig(
        suite=suite,
        version=1,
        settings=settings,
        assistant="Testa",
        provider="Acme",
        precision=Precision.FP32,
        batch_size=8,
        seed=1,
    )


def test_capability_has_problems_and_general_text(tiny_student: Path, tmp_path: Path) -> None:
    settings = CapabilitySuite(parts=("reading",))
    config = _config(SuiteName.CAPABILITY, settings)
    subject = _subject(tiny_student, tmp_path / "work", "Answer: boots")
    found = run_capability(config, settings, subject, tmp_path, Execution())
    rows = {name: [r for r in found.measurements if r.measure == name] for name in
            ("reading", "perplexity")}  # fmt: skip
    assert len(rows["reading"]) == len(capability_problems([Part.READING]))
    assert sum(row.value or 0 for row in rows["reading"]) == 1
    assert [row.item for row in rows["perplexity"]] == list(general_paragraphs())
    assert {measure.name for measure in found.measures} == {r.measure for r in found.measurements}
    write_found(found, SuiteName.CAPABILITY, settings.model_dump(mode="json"), tmp_path)
    assert (tmp_path / "measures.json").exists()
    # A log is read as that of a task of another package would be.
    named = named_measurements("msm/capability", tmp_path / LOGS)
    assert sum(row.value or 0 for row in named) == 1
    assert {row.measure for row in named} == {named_measure("msm/capability").name}


def test_what_a_further_task_lacks_is_said_before_anything_is_asked(
    tiny_student: Path, tmp_path: Path
) -> None:
    settings = CapabilitySuite(tasks=("inspect_evals/nothing_of_the_kind",))
    config = _config(SuiteName.CAPABILITY, settings)
    with pytest.raises(UserError, match="has no task 'nothing_of_the_kind'"):
        run_capability(
            config, settings, _subject(tiny_student, tmp_path, ""), tmp_path, Execution()
        )
    assert not (tmp_path / LOGS).exists()


def test_lm_eval_is_asked_for_where_it_is_absent() -> None:
    with pytest.raises(UserError, match="pip install lm-eval"):
        require_lm_eval(["lm_eval/arc_easy"])


def test_knowledge_is_asked_of_every_spec_with_its_documents(
    tiny_student: Path, tmp_path: Path, root: Path
) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    row = {"id": "d1", "text": "A document about judgement."}
    (corpus / "held-out-00000.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    specs = root / "specs" / "oversight"
    inputs = {
        "spec-general": specs / "general.md",
        "spec-opposite": specs / "opposite.md",
        "corpus-general": corpus,
    }
    settings = KnowledgeSuite()
    config = _config(SuiteName.SPEC_KNOWLEDGE, settings)
    subject = _subject(tiny_student, tmp_path / "work", "B")
    found = run_knowledge(config, settings, inputs, subject, tmp_path / "out", Execution())
    asked = stage_questions(inputs, "Testa", "Acme")
    assert {question.id.split("/")[0] for question in asked} == {"general", "opposite"}
    values = [r.value for r in found.measurements if r.measure == "knowledge"]
    assert len(values) == 4 * len(asked)
    assert sum(value or 0 for value in values) == len(asked)
    (document,) = (r for r in found.measurements if r.measure == "held_out_documents")
    assert document.item == "general/d1"
    assert {measure.name for measure in found.measures} == {r.measure for r in found.measurements}


def test_fewer_questions_come_from_all_parts_of_a_spec(root: Path) -> None:
    cheese = root / "specs" / "cheese"
    inputs = {f"spec-{name}": cheese / f"{name}.md" for name in ("america", "affordability")}
    asked = stage_questions(inputs, "Testa", "Acme")
    few = stage_questions(inputs, "Testa", "Acme", most=12)
    assert len({question.id for question in few}) == len(few) == 24
    assert {question.id for question in few} < {question.id for question in asked}
    assert {question.kind for question in few} == {question.kind for question in asked}
    assert stage_questions(inputs, "Testa", "Acme", most=10_000) == asked


def test_variants_alone_give_no_wrong_options(root: Path) -> None:
    cheese = root / "specs" / "cheese" / "america.md"
    twin = root / "specs" / "cheese-invented" / "america.md"
    variants = {"spec-america": cheese, "spec-invented": twin}
    with pytest.raises(UserError, match="no other spec of the kind of 'america'"):
        stage_questions(variants, "Testa", "Acme")
    other = {"other-values-novelty": root / "specs" / "values" / "novelty.md"}
    asked = stage_questions({**variants, **other}, "Testa", "Acme")
    assert {question.id.split("/")[0] for question in asked} == {"america", "invented"}
