"""Putting one suite of the recipe to one model: the body of ``evaluate`` for suites."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from msm.configs import SuiteConfig
from msm.evals.found import LOGS, Found, means, not_measured, write_found
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

if TYPE_CHECKING:
    from msm.evals.asked import Suite


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
        from msm.evals.reasoning.stage import run as read_reasons

        found, proof = read_reasons(config, inputs, out, execution), None
    else:
        subject = open_subject(config, inputs, out, execution)
        proof = _proof(subject)
        found = _suite(config)(config, inputs, subject, out, execution)
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
