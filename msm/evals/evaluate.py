"""The stage ``evaluate``: one checkpoint on the held-out word pairs, or on a suite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from msm.any_spec import read_any_spec
from msm.configs import EvaluateConfig, SuiteConfig
from msm.evals.items import Item, cheese_items, prompts, read_suite
from msm.evals.probe import probe
from msm.evals.scoring import PromptScore, score_prompts
from msm.execution import Execution
from msm.jsonl import write_shards
from msm.progress import track
from msm.record import Outcome
from msm.spec import Spec
from msm.training.chat_template import load_tokenizer
from msm.training.model import load_checkpoint, load_student


@dataclass(frozen=True)
class ScoreRow:
    """An item's score: log-probability, in nats, of the option ``toward`` less that of ``away``.

    ``score`` is the mean of the two option orders; each order's own is kept beside it.
    """

    id: str
    axis: str
    cluster: str
    domain: str
    frame: str
    toward: str
    away: str
    score: float
    toward_first: float
    away_first: float


def run(
    config: EvaluateConfig | SuiteConfig,
    inputs: Mapping[str, Path],
    out: Path,
    execution: Execution,
) -> Outcome:
    """Score the word pairs, or put a suite to the model: see ``msm.evals.run_suite``."""
    if isinstance(config, EvaluateConfig):
        return score_pairs(config, inputs, out, execution)
    from msm.evals.run_suite import run_suite

    return run_suite(config, inputs, out, execution)


def score_pairs(
    config: EvaluateConfig, inputs: Mapping[str, Path], out: Path, execution: Execution
) -> Outcome:
    """Write ``scores-*.jsonl``, one row an item.

    Raises:
        UserError: an input is malformed, or the checkpoint changes no output of the student.
    """
    torch.set_num_threads(execution.threads)
    suite = read_suite(inputs["suite"])
    spec = read_any_spec(inputs["spec"])
    # A spec of principles has no items, so there is no manipulation check on them.
    in_domain = cheese_items(spec, suite.frames) if isinstance(spec, Spec) else []
    items = [*suite.items(), *in_domain]
    asked = [prompt for item in items for prompt in prompts(item)]
    tokenizer = load_tokenizer(inputs["student"])
    model = _load(inputs, config, execution)
    proof = _proof(inputs, config, execution, model, tokenizer)
    with track("evaluate", len(asked), "prompts") as advance:
        scores = score_prompts(model, tokenizer, asked, config.batch_size, advance)
    pairs = zip(scores[::2], scores[1::2], strict=True)
    rows = [_row(item, *pair) for item, pair in zip(items, pairs, strict=True)]
    write_shards(out, "scores", rows)
    return Outcome(
        rows_in=len(items),
        rows_out=len(rows),
        summary={
            "prompts": len(asked),
            "probe": proof,
            "mean": {axis: _mean(rows, axis) for axis in sorted({row.axis for row in rows})},
        },
    )


def _row(item: Item, toward_first: PromptScore, away_first: PromptScore) -> ScoreRow:
    one = toward_first.toward - toward_first.away
    two = away_first.toward - away_first.away
    return ScoreRow(
        id=item.id,
        axis=item.axis,
        cluster=item.cluster,
        domain=item.domain or "",
        frame=item.frame.name,
        toward=item.toward,
        away=item.away,
        score=round((one + two) / 2, 6),
        toward_first=round(one, 6),
        away_first=round(two, 6),
    )


def _load(inputs: Mapping[str, Path], config: EvaluateConfig, execution: Execution) -> Any:
    """The checkpoint, or the start model where there is none."""
    student, device = inputs["student"], execution.device
    if "checkpoint" not in inputs:
        return load_student(student, config.precision, device).eval()
    return load_checkpoint(student, inputs["checkpoint"], config.precision, device)


def _mean(rows: list[ScoreRow], axis: str) -> float:
    scores = [row.score for row in rows if row.axis == axis and row.frame == "own"]
    return round(sum(scores) / len(scores), 4) if scores else 0.0


def _proof(
    inputs: Mapping[str, Path],
    config: EvaluateConfig,
    execution: Execution,
    model: Any,
    tokenizer: Any,
) -> dict[str, Any] | None:
    """The probe of a checkpoint; None for the start model itself."""
    if "checkpoint" not in inputs:
        return None
    start = load_student(inputs["student"], config.precision, execution.device)
    return probe(model, start.eval(), tokenizer, inputs["checkpoint"]).to_json()
