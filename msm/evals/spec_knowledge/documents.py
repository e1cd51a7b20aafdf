"""Documents about the spec that were kept from training: how well are they predicted?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from msm.errors import UserError
from msm.evals.measurement import Measurement
from msm.evals.spec_knowledge.measure import DOCUMENTS
from msm.jsonl import read_rows, read_shards

# The shards that curation writes of them.
HELD_OUT = "held-out"


def read_documents(path: Path) -> dict[str, str]:
    """Documents by id, from a curated corpus's held-out rows or a file of rows (JSON Lines).

    Raises:
        UserError: there are none, or a row has no id or text.
    """
    if not path.exists():
        raise UserError(f"documents {path} do not exist")
    try:
        rows = read_shards(path, HELD_OUT) if path.is_dir() else list(read_rows(path))
        documents = {str(row["id"]): str(row["text"]) for row in rows}
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise UserError(
            f"documents {path}: expected JSON Lines whose rows have 'id' and 'text' ({error!r})"
        ) from None
    if not documents:
        wanted = f"no {HELD_OUT} documents; set 'corpus.held_out'" if path.is_dir() else "no rows"
        raise UserError(f"documents {path}: {wanted}")
    empty = [name for name, text in documents.items() if not text.strip()]
    if empty:
        raise UserError(f"documents {path}: document '{empty[0]}' is empty")
    return documents


def document_measurements(
    documents: dict[str, str],
    model: Any,
    tokenizer: Any,
    batch_size: int,
    advance: Callable[[int], None] = lambda done: None,
) -> list[Measurement]:
    """Nats a token of each document under a loaded torch model; each is its own cluster."""
    from msm.evals.perplexity import nats_measurements

    return nats_measurements(DOCUMENTS, documents, model, tokenizer, batch_size, advance)
