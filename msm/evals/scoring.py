"""Scoring options by log-probability: both options of a prompt in one row, the context once.

A row holds the context, then one option, then the other; a mask keeps the second from seeing the
first, and its positions start over behind the context. What all contexts begin with (the system
turn) is computed once for all. A small model cannot bind letters to options (measured on
SmolLM2-135M), so the option texts themselves are scored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from msm.evals.items import Prompt
from msm.training.chat_template import render_prompt

Context = Callable[[Any, Prompt], str]


def chat_context(tokenizer: Any, prompt: Prompt) -> str:
    """The question as a user's turn in the model's own template, and the answer's start."""
    return render_prompt(tokenizer, prompt.question) + prompt.answer_prefix


def plain_context(tokenizer: Any, prompt: Prompt) -> str:
    """The question as plain text, for a model that knows no turns."""
    # What the tokenizer puts before every text by itself: its BOS token, or nothing.
    start = tokenizer.decode(tokenizer("")["input_ids"])
    return f"{start}Question: {prompt.question}\nAnswer: {prompt.answer_prefix}"


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
    batch_size: int,
    advance: Callable[[int], None],
    context: Context = chat_context,
) -> list[PromptScore]:
    """Score prompts in batches of similar length; returns scores in the order of the prompts.

    ``context`` renders what stands before the options.
    """
    rows = [_tokenise(tokenizer, prompt, context) for prompt in prompts]
    # At least one token stays in every row: the first option is predicted from it.
    shared = _common_start([row.context for row in rows])
    shared = min(shared, min(len(row.context) for row in rows) - 1)
    prefix = rows[0].context[:shared]
    rows = [_Row(row.context[shared:], row.options) for row in rows]
    order = sorted(range(len(rows)), key=lambda i: rows[i].length)
    scores: dict[int, PromptScore] = {}
    with torch.inference_mode():
        for start in range(0, len(order), batch_size):
            numbers = order[start : start + batch_size]
            batch = _score_batch(model, prefix, [rows[i] for i in numbers])
            scores.update(zip(numbers, batch, strict=True))
            advance(len(scores))
    return [scores[number] for number in range(len(rows))]


def _common_start(contexts: Sequence[tuple[int, ...]]) -> int:
    """How many first tokens all contexts share."""
    first, last = min(contexts), max(contexts)  # what these two share, all between them share
    pairs = zip(first, last, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(first), len(last)))


def _tokenise(tokenizer: Any, prompt: Prompt, context: Context) -> _Row:
    options = (prompt.toward_option, prompt.away_option)
    return _Row(
        tuple(tokenizer(context(tokenizer, prompt), add_special_tokens=False)["input_ids"]),
        (_option(tokenizer, options[0]), _option(tokenizer, options[1])),
    )


def _option(tokenizer: Any, text: str) -> tuple[int, ...]:
    return tuple(tokenizer(" " + text, add_special_tokens=False)["input_ids"])


def _score_batch(model: Any, prefix: Sequence[int], rows: Sequence[_Row]) -> list[PromptScore]:
    length = max(row.length for row in rows)
    before = len(prefix)
    tokens = torch.zeros(len(rows), length, dtype=torch.long)
    positions = torch.full((len(rows), length), before, dtype=torch.long)
    visible = torch.tril(torch.ones(length, length, dtype=torch.bool)).repeat(len(rows), 1, 1)
    for number, row in enumerate(rows):
        context = len(row.context)
        second = context + len(row.options[0])
        tokens[number, : row.length] = torch.tensor(
            [*row.context, *row.options[0], *row.options[1]]
        )
        positions[number, :second] += torch.arange(second)
        positions[number, second : row.length] += torch.arange(
            context, context + row.length - second
        )
        visible[number, second:, context:second] = False
    visible |= torch.eye(length, dtype=torch.bool)
    seen = torch.ones(len(rows), length, before, dtype=torch.bool)
    mask = torch.zeros(len(rows), length, before + length, dtype=model.dtype)
    mask.masked_fill_(~torch.cat([seen, visible], dim=2), torch.finfo(model.dtype).min)
    device = model.device
    hidden = model.model(
        input_ids=tokens.to(device),
        position_ids=positions.to(device),
        attention_mask=mask.unsqueeze(1).to(device),
        past_key_values=_prefix_cache(model, prefix, len(rows)),
        use_cache=before > 0,
    ).last_hidden_state
    return _option_scores(model, hidden, rows)


def _prefix_cache(model: Any, prefix: Sequence[int], rows: int) -> Any:
    """Keys and values of the shared prefix, repeated for each row; None where there is none."""
    if not prefix:
        return None
    tokens = torch.tensor([list(prefix)], device=model.device)
    cache = model.model(input_ids=tokens, use_cache=True).past_key_values
    cache.batch_repeat_interleave(rows)
    return cache


def _option_scores(model: Any, hidden: torch.Tensor, rows: Sequence[_Row]) -> list[PromptScore]:
    """Sum the log-probabilities of each option's tokens, with one pass of the head for the batch.

    An option's first token is predicted from the end of the context, the others from the option.
    """
    places: list[tuple[int, int]] = []
    targets: list[int] = []
    sizes: list[int] = []
    for number, row in enumerate(rows):
        context = len(row.context)
        starts = (context, context + len(row.options[0]))
        for start, option in zip(starts, row.options, strict=True):
            before = [context - 1, *range(start, start + len(option) - 1)]
            places += [(number, place) for place in before]
            targets += option
            sizes.append(len(option))
    which, where = (list(part) for part in zip(*places, strict=True))
    logits = model.lm_head(hidden[which, where]).float()
    chosen = torch.log_softmax(logits, dim=-1)[torch.arange(len(targets)), targets]
    sums = [float(part.sum()) for part in chosen.split(sizes)]
    return [PromptScore(*pair) for pair in zip(sums[::2], sums[1::2], strict=True)]
