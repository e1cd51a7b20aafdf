"""From corpus or chats to tokenised rows, checked before a step is taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msm.configs import Phase
from msm.errors import UserError
from msm.jsonl import read_shards
from msm.training.chat_template import (
    TokenisedRow,
    document_end,
    tokenise_chat,
    tokenise_document,
)
from msm.training.schedule import check_lengths, steps_of_an_epoch
from msm.training_settings import Optimisation


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
    check_lengths([len(row.tokens) for row in rows], optimisation)
    if not all(any(row.supervised[1:]) for row in rows):
        raise UserError("a row has no token that the loss counts; look at its answer")
    steps = steps_of_an_epoch(len(rows), optimisation) * optimisation.epochs
    if steps < optimisation.minimum_steps:
        raise UserError(
            f"only {steps} optimiser steps, fewer than minimum_steps {optimisation.minimum_steps}; "
            "add rows or epochs, or lower batch_size"
        )
    return steps


def supervised_tokens(rows: Sequence[TokenisedRow]) -> int:
    """How many tokens the loss counts (a row's first token has no context to learn from)."""
    return sum(sum(row.supervised[1:]) for row in rows)
