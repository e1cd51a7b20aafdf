"""Perplexity of plain texts: the mean negative log-probability of a text's tokens, in nats.

A text is read as in training on documents: behind the token that ends a document, with no chat
template. Its first token is predicted too. Figures of models with different tokenizers cannot be
compared, as their tokens differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from msm.evals.measurement import Measurement
from msm.training.chat_template import document_end

MOST_TOKENS = 2048
# Positions whose logits are held at once; with 150,000 tokens in a vocabulary some 300 MB.
CHUNK = 512


@dataclass(frozen=True)
class TextScore:
    """Mean nats a token of one text, over the ``tokens`` that were read of it."""

    nats: float
    tokens: int


def score_texts(
    model: Any,
    tokenizer: Any,
    texts: Sequence[str],
    batch_size: int,
    advance: Callable[[int], None],
    most_tokens: int = MOST_TOKENS,
) -> list[TextScore]:
    """Score texts in batches of similar length; returns scores in the order of the texts.

    Of a longer text the first ``most_tokens`` tokens count, or as many as the model has positions.

    Raises:
        ValueError: a text has no tokens.
    """
    positions = getattr(model.config, "max_position_embeddings", None) or most_tokens
    longest = min(most_tokens, positions - 1)
    rows = [tokenizer(text, add_special_tokens=False)["input_ids"][:longest] for text in texts]
    if not all(rows):
        raise ValueError("a text to be scored is empty")
    start = document_end(tokenizer)
    order = sorted(range(len(rows)), key=lambda number: len(rows[number]))
    scores: dict[int, TextScore] = {}
    with torch.inference_mode():
        for first in range(0, len(order), batch_size):
            numbers = order[first : first + batch_size]
            batch = _score_batch(model, start, [rows[number] for number in numbers])
            scores.update(zip(numbers, batch, strict=True))
            advance(len(scores))
    return [scores[number] for number in range(len(rows))]


def nats_measurements(
    measure: str,
    texts: Mapping[str, str],
    model: Any,
    tokenizer: Any,
    batch_size: int,
    advance: Callable[[int], None],
) -> list[Measurement]:
    """One measurement for each named text, which is item and cluster of its own."""
    scores = score_texts(model, tokenizer, list(texts.values()), batch_size, advance)
    return [
        Measurement(measure, name, name, 1, round(score.nats, 6))
        for name, score in zip(texts, scores, strict=True)
    ]


def _score_batch(model: Any, start: int, rows: Sequence[Sequence[int]]) -> list[TextScore]:
    """Rows are padded behind their end, where causal attention lets nothing see the padding."""
    length = max(len(row) for row in rows)
    tokens = torch.full((len(rows), length + 1), start, dtype=torch.long)
    for number, row in enumerate(rows):
        tokens[number, 1 : len(row) + 1] = torch.tensor(row)
    hidden = model.model(input_ids=tokens[:, :-1].to(model.device)).last_hidden_state
    return [
        TextScore(_nats(model, hidden[number, : len(row)], row) / len(row), len(row))
        for number, row in enumerate(rows)
    ]


def _nats(model: Any, hidden: torch.Tensor, targets: Sequence[int]) -> float:
    """Summed negative log-probability of the targets, a chunk of positions at a time."""
    wanted = torch.tensor(list(targets), device=hidden.device)
    total = 0.0
    for states, tokens in zip(hidden.split(CHUNK), wanted.split(CHUNK), strict=True):
        logits = model.lm_head(states).float()
        total += float(torch.nn.functional.cross_entropy(logits, tokens, reduction="sum"))
    return total
