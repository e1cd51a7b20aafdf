"""From corpus or chats to batches: which rows, in which order, padded to which shape."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msm.configs import Phase
from msm.errors import UserError
from msm.identity import seed_from
from msm.jsonl import read_shards
from msm.training.chat_template import (
    TokenisedRow,
    document_end,
    tokenise_chat,
    tokenise_document,
)
from msm.training_settings import Optimisation

IGNORED = -100  # the label that torch's cross entropy leaves out


@dataclass(frozen=True)
class Padded:
    """A micro-batch: token ids, attention mask and labels, each rows x length, as nested lists."""

    tokens: list[list[int]]
    mask: list[list[int]]
    labels: list[list[int]]


def read_training_rows(
    phase: Phase, inputs: Mapping[str, Path], tokenizer: Any
) -> list[TokenisedRow]:
    """Tokenise a phase's rows, in the order of its inputs.

    Raises:
        UserError: there are no rows.
    """
    rows: list[TokenisedRow] = []
    if phase is Phase.DOCUMENTS:
        end = document_end(tokenizer)
        for document in read_shards(inputs["corpus"], "corpus"):
            rows.append(tokenise_document(tokenizer, document["text"], end))
    else:
        for role, folder in sorted(inputs.items()):
            if role.startswith("chats-"):
                for chat in read_shards(folder, "chats"):
                    rows.append(tokenise_chat(tokenizer, chat["user"], chat["assistant"]))
    if not rows:
        raise UserError("nothing to train on: the corpus or the chats are empty")
    return rows


def check_rows(rows: Sequence[TokenisedRow], optimisation: Optimisation) -> int:
    """Check rows against the settings before a step is taken; returns the number of steps.

    Raises:
        UserError: a row is longer than the maximum, a loss mask is empty, or there are fewer
            optimiser steps than the recipe demands.
    """
    longest = max(len(row.tokens) for row in rows)
    if longest > optimisation.maximum_length:
        raise UserError(
            f"a row has {longest} tokens, more than maximum_length {optimisation.maximum_length}; "
            "raise it in the recipe: nothing is cut off silently"
        )
    if not all(any(row.supervised[1:]) for row in rows):
        raise UserError("a row has no token that the loss counts; look at its answer")
    steps = len(step_batches(rows, optimisation, seed=0))
    if steps < optimisation.minimum_steps:
        raise UserError(
            f"only {steps} optimiser steps, fewer than minimum_steps {optimisation.minimum_steps}; "
            "add rows or epochs, or lower batch_size"
        )
    return steps


def step_batches(
    rows: Sequence[TokenisedRow], optimisation: Optimisation, seed: int
) -> list[list[int]]:
    """Row numbers of each optimiser step: shuffled anew each epoch, the last step may be short."""
    batches: list[list[int]] = []
    for epoch in range(optimisation.epochs):
        order = list(range(len(rows)))
        random.Random(seed_from("order", seed, epoch)).shuffle(order)
        size = optimisation.batch_size
        batches += [order[start : start + size] for start in range(0, len(order), size)]
    return batches


def micro_batches(rows: Sequence[TokenisedRow], size: int, pad: int) -> list[Padded]:
    """Split one step's rows, sorted by length to spare padding, into padded micro-batches."""
    ordered = sorted(rows, key=lambda row: len(row.tokens))
    return [_pad(ordered[start : start + size], pad) for start in range(0, len(ordered), size)]


def supervised_tokens(rows: Sequence[TokenisedRow]) -> int:
    """How many tokens the loss counts (a row's first token has no context to learn from)."""
    return sum(sum(row.supervised[1:]) for row in rows)


def batch_digest(rows: Sequence[TokenisedRow]) -> str:
    """SHA-256 of a batch's tokens and masks: equal token counts are not equal data."""
    return hashlib.sha256(repr([(row.tokens, row.supervised) for row in rows]).encode()).hexdigest()


def _pad(rows: Sequence[TokenisedRow], pad: int) -> Padded:
    length = max(len(row.tokens) for row in rows)
    tokens, mask, labels = [], [], []
    for row in rows:
        missing = length - len(row.tokens)
        tokens.append([*row.tokens, *[pad] * missing])
        mask.append([1] * len(row.tokens) + [0] * missing)
        labels.append(
            [
                token if counts else IGNORED
                for token, counts in zip(row.tokens, row.supervised, strict=True)
            ]
            + [IGNORED] * missing
        )
    return Padded(tokens, mask, labels)
