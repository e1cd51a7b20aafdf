"""What a suite's models used, out of Inspect's log: the ledger of the stage ``evaluate``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspect_ai.log import read_eval_log, read_eval_log_sample_summaries

from msm.evals.sampling import JUDGE_ROLE
from msm.execution import Price
from msm.llm.ledger import Use, cost_of

if TYPE_CHECKING:
    from inspect_ai.log import EvalSampleSummary
    from inspect_ai.model import ModelUsage


def suite_use(
    log: Path, student_price: Price, judge: str, judge_price: Price
) -> dict[str, dict[str, Any]]:
    """The ledger by role; a suite without a judge (empty) has the student's alone.

    ``requests`` is the number of samples, each one request to either; ``seconds`` the time that
    samples were at work, both roles together.
    """
    samples = read_eval_log_sample_summaries(str(log))
    seconds = round(sum(sample.working_time or 0.0 for sample in samples), 3)
    every = [usage for sample in samples for usage in sample.model_usage.values()]
    judged = [
        usage
        for sample in samples
        for role, usage in (sample.role_usage or {}).items()
        if role == JUDGE_ROLE
    ]
    both, judge_part = _tokens(every), _tokens(judged)
    own = (both[0] - judge_part[0], both[1] - judge_part[1], both[2] - judge_part[2])
    student = read_eval_log(str(log), header_only=True).eval.model
    ledger = {"student": _use(student, samples, own, seconds, student_price)}
    if judge:
        ledger["judge"] = _use(judge, samples, judge_part, 0.0, judge_price)
    return ledger


def _tokens(usages: Iterable[ModelUsage]) -> tuple[int, int, int]:
    """Tokens in, read from a cache, and out."""
    rows = list(usages)
    return (
        sum(usage.input_tokens for usage in rows),
        sum(usage.input_tokens_cache_read or 0 for usage in rows),
        sum(usage.output_tokens for usage in rows),
    )


def _use(
    model: str,
    samples: Iterable[EvalSampleSummary],
    tokens: tuple[int, int, int],
    seconds: float,
    price: Price,
) -> dict[str, Any]:
    every = list(samples)
    return Use(
        model=model,
        requests=len(every),
        retries=sum(sample.retries or 0 for sample in every),
        tokens_in=tokens[0],
        tokens_cached=tokens[1],
        tokens_out=tokens[2],
        seconds=seconds,
        cost=cost_of(price, *tokens),
    ).to_json()
