"""Putting one suite of the recipe to one model: the body of ``evaluate`` for suites."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import torch

from msm.configs import SuiteConfig
from msm.evals.found import Found, means, not_measured, write_found
from msm.evals.probe import probe
from msm.evals.subject import Subject, Weights, open_subject
from msm.execution import Execution
from msm.record import Outcome
from msm.suites import (
    AgenticSuite,
    CapabilitySuite,
    KnowledgeSuite,
    OpenQaSuite,
    PreferenceSuite,
    ReasoningSuite,
)


def run_suite(
    config: SuiteConfig, inputs: Mapping[str, Path], out: Path, execution: Execution
) -> Outcome:
    """Write ``measurements-*.jsonl``, ``measures.json`` and, of suites that sample, ``logs/``.

    Raises:
        UserError: the checkpoint changes no output; the model or the judge cannot be used; too
            much stayed ungraded; or the suite's settings name what is not there.
    """
    torch.set_num_threads(execution.threads)
    if isinstance(config.settings, ReasoningSuite):
        from msm.evals.reasoning.stage import run_reasoning

        proof, found = None, run_reasoning(config, config.settings, inputs, out, execution)
    else:
        with closing(open_subject(config, inputs, out, execution)) as subject:
            proof = _proof(subject)
            found = _measure(config, inputs, subject, out, execution)
    write_found(found, config.suite, config.settings.model_dump(mode="json"), out)
    return Outcome(
        rows_in=len(found.measurements),
        rows_out=sum(row.value is not None for row in found.measurements),
        dropped=not_measured(found),
        tokens=sum(use["tokens_out"] for use in found.models.values()),
        cost=sum(use["cost"] for use in found.models.values()),
        summary={"measures": means(found), "probe": proof, **found.summary},
        models=found.models,
    )


def _measure(
    config: SuiteConfig,
    inputs: Mapping[str, Path],
    subject: Subject,
    out: Path,
    execution: Execution,
) -> Found:
    match config.settings:
        case AgenticSuite() | OpenQaSuite():
            from msm.evals.judged_run import run_judged

            return run_judged(config, subject, out, execution)
        case PreferenceSuite() as settings:
            from msm.evals.preference.stage import run_preference

            return run_preference(config, settings, subject, out, execution)
        case KnowledgeSuite() as settings:
            from msm.evals.spec_knowledge.stage import run_knowledge

            return run_knowledge(config, settings, inputs, subject, out, execution)
        case CapabilitySuite() as settings:
            from msm.evals.capability.stage import run_capability

            return run_capability(config, settings, subject, out, execution)
        case _:
            raise ValueError(f"suite {config.suite} measures no model")


def _proof(subject: Subject) -> dict[str, Any] | None:
    """The probe of a checkpoint; None for the start model, and for a model of a server."""
    if not isinstance(subject, Weights) or subject.checkpoint is None:
        return None
    model, tokenizer = subject.loaded()
    return probe(model, subject.start(), tokenizer, subject.checkpoint).to_json()
