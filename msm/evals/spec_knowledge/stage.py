"""The spec-knowledge suite on the model of a recipe's stage: questions, and held-out documents."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msm.any_spec import read_any_spec
from msm.configs import SuiteConfig
from msm.errors import UserError
from msm.evals.evenly import evenly
from msm.evals.found import Found
from msm.evals.measurement import Measurement
from msm.evals.spec_knowledge.documents import document_measurements, read_documents
from msm.evals.spec_knowledge.measure import MEASURES, measurements
from msm.evals.spec_knowledge.question import Question
from msm.evals.spec_knowledge.questions import spec_questions
from msm.evals.spec_knowledge.sentences import unlike
from msm.evals.subject import Subject, Weights
from msm.execution import Execution
from msm.progress import track
from msm.suites import KnowledgeSuite, Scoring

SPEC, OTHER, CORPUS = "spec-", "other-", "corpus-"  # what the roles of the inputs begin with


def run_knowledge(
    config: SuiteConfig,
    settings: KnowledgeSuite,
    inputs: Mapping[str, Path],
    subject: Subject,
    out: Path,
    execution: Execution,
) -> Found:
    """Ask about every spec among the inputs, and score the documents kept out of their corpora.

    Raises:
        UserError: no other spec gives wrong options, or log-probabilities are asked of a model
            that only a server has.
    """
    questions = stage_questions(inputs, config.assistant, config.provider, settings.questions)
    found, models = _answered(questions, config, settings, subject, out, execution)
    if isinstance(subject, Weights):
        found += _documents(config, inputs, subject)
    there = {row.measure for row in found}
    measures = tuple(measure for measure in MEASURES if measure.name in there)
    return Found(measures, found, models=models, summary={"questions": len(questions)})


def stage_questions(
    inputs: Mapping[str, Path], assistant: str, provider: str, most: int = 0
) -> list[Question]:
    """The questions about each spec among the inputs, by its name in the recipe.

    Wrong options come from the other specs among the inputs. Of each spec at most ``most``
    questions are asked, taken at even distances from all of them; 0 asks all.

    Raises:
        UserError: there are no specs, or none gives wrong options.
    """
    paths = _named(inputs, SPEC)
    if not paths:
        raise UserError("spec-knowledge: the recipe has no spec to ask about")
    specs = {name: read_any_spec(path) for name, path in paths.items()}
    further = [read_any_spec(path) for path in _named(inputs, OTHER).values()]
    questions: list[Question] = []
    for name, spec in specs.items():
        usable = unlike(spec, [*specs.values(), *further])
        if not usable:
            raise UserError(
                f"spec-knowledge: no other spec of the kind of '{name}' gives wrong options; name "
                "some under evaluation.suites.spec-knowledge.others"
            )
        asked = spec_questions(spec, usable, name, assistant, provider)
        questions += evenly(asked, most)
    return questions


def _answered(
    questions: list[Question],
    config: SuiteConfig,
    settings: KnowledgeSuite,
    subject: Subject,
    out: Path,
    execution: Execution,
) -> tuple[list[Measurement], dict[str, dict[str, Any]]]:
    """Measurements, and the ledger by role."""
    match settings.scoring:
        case Scoring.ANSWERS:
            from msm.evals.inspect_run import sample
            from msm.evals.spec_knowledge.task import question_task

            task = question_task(questions, settings.maximum_tokens)
            sampled = sample(task, 1, 0.0, measurements, subject, out, execution)
            return list(sampled.measurements), sampled.models
        case Scoring.LOG_PROBABILITIES:
            return _scored(questions, config, subject), {}


def _scored(questions: list[Question], config: SuiteConfig, subject: Subject) -> list[Measurement]:
    from msm.evals.spec_knowledge.log_probability import question_measurements, question_prompts

    model, tokenizer = subject.loaded()
    prompts = sum(len(question_prompts(question)) for question in questions)
    with track("spec-knowledge", prompts, "prompts") as advance:
        return question_measurements(questions, model, tokenizer, config.batch_size, advance)


def _documents(
    config: SuiteConfig, inputs: Mapping[str, Path], subject: Subject
) -> list[Measurement]:
    documents = {
        f"{name}/{key}": text
        for name, path in _named(inputs, CORPUS).items()
        for key, text in read_documents(path).items()
    }
    if not documents:
        return []
    model, tokenizer = subject.loaded()
    with track("held-out documents", len(documents), "documents") as advance:
        return document_measurements(documents, model, tokenizer, config.batch_size, advance)


def _named(inputs: Mapping[str, Path], start: str) -> dict[str, Path]:
    return {
        role.removeprefix(start): path
        for role, path in sorted(inputs.items())
        if role.startswith(start)
    }
