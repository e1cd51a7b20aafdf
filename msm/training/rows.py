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


def supervised_tokens(rows: Sequence[TokenisedRow]) -> int:
    """How many tokens the loss counts (a row's first token has no context to learn from)."""
    return sum(sum(row.supervised[1:]) for row in rows)
