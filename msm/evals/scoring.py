"""Scoring options by log-probability: both options of a prompt in one row, the context once.

A row holds the context, then one option, then the other; a mask keeps the second from seeing the
first, and its positions start over behind the context. A small model cannot bind letters to
options (measured on SmolLM2-135M), so the option texts themselves are scored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from msm.configs import EvaluateConfig
from msm.evals.items import Prompt
from msm.training.chat_template import render_prompt


@dataclass(frozen=True)
class PromptScore:
    """Log-probabilities, in nats, of the two option texts behind the same context."""

    toward: float
    away: float


@dataclass(frozen=True)
class _Row:
    context: tuple[int, ...]
    options: tuple[tuple[int, ...], tuple[int, ...]]

    @property
    def length(self) -> int:
        return len(self.context) + sum(len(option) for option in self.options)


def score_prompts(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Prompt],
    config: EvaluateConfig,
    advance: Callable[[int], None],
) -> list[PromptScore]:
    """Score prompts in batches of similar length; returns scores in the order of the prompts."""
    rows = [_tokenise(tokenizer, prompt) for prompt in prompts]
    order = sorted(range(len(rows)), key=lambda i: rows[i].length)
    scores: list[PromptScore | None] = [None] * len(rows)
    with torch.inference_mode():
        for start in range(0, len(order), config.batch_size):
            numbers = order[start : start + config.batch_size]
            for number, score in zip(
                numbers, _score_batch(model, [rows[i] for i in numbers]), strict=True
            ):
                scores[number] = score
            advance(min(start + config.batch_size, len(order)))
    return [score for score in scores if score is not None]


def load_for_scoring(student: Path, checkpoint: Path, config: EvaluateConfig, device: str) -> Any:
    """The arm's model, adapter merged, in the suite's number format."""
    from msm.training.model import load_checkpoint

    return load_checkpoint(student, checkpoint, config.precision, device)


def _tokenise(tokenizer: Any, prompt: Prompt) -> _Row:
    context = render_prompt(tokenizer, prompt.question) + prompt.answer_prefix
    options = (prompt.toward_option, prompt.away_option)
    return _Row(
        tuple(tokenizer(context, add_special_tokens=False)["input_ids"]),
        (_option(tokenizer, options[0]), _option(tokenizer, options[1])),
    )


def _option(tokenizer: Any, text: str) -> tuple[int, ...]:
    return tuple(tokenizer(" " + text, add_special_tokens=False)["input_ids"])


def _score_batch(model: Any, rows: Sequence[_Row]) -> list[PromptScore]:
    device = model.device
    length = max(row.length for row in rows)
    tokens = torch.zeros(len(rows), length, dtype=torch.long)
    positions = torch.zeros(len(rows), length, dtype=torch.long)
    visible = torch.zeros(len(rows), length, length, dtype=torch.bool)
    for number, row in enumerate(rows):
        context = len(row.context)
        first = context + len(row.options[0])
        flat = [*row.context, *row.options[0], *row.options[1]]
        tokens[number, : row.length] = torch.tensor(flat)
        positions[number, :first] = torch.arange(first)
        positions[number, first : row.length] = torch.arange(context, context + row.length - first)
        visible[number] = torch.tril(torch.ones(length, length, dtype=torch.bool))
        visible[number, first:, context:first] = False
    visible |= torch.eye(length, dtype=torch.bool)
    dtype = model.dtype
    mask = torch.zeros(visible.shape, dtype=dtype).masked_fill(~visible, torch.finfo(dtype).min)
    hidden = model.model(
        input_ids=tokens.to(device),
        position_ids=positions.to(device),
        attention_mask=mask.unsqueeze(1).to(device),
        use_cache=False,
    ).last_hidden_state
    return [
        PromptScore(*(_log_probability(model, hidden[n], row, which) for which in (0, 1)))
        for n, row in enumerate(rows)
    ]


def _log_probability(model: Any, hidden: torch.Tensor, row: _Row, which: int) -> float:
    """Sum over an option's tokens; its first token is predicted from the end of the context."""
    context = len(row.context)
    start = context + (len(row.options[0]) if which else 0)
    option = row.options[which]
    places = [context - 1, *range(start, start + len(option) - 1)]
    log_probabilities = torch.log_softmax(model.lm_head(hidden[places]).float(), dim=-1)
    chosen = log_probabilities[torch.arange(len(option)), torch.tensor(option)]
    return float(chosen.sum())
