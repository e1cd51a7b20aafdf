"""Attention within a packed sequence: no row sees another.

Where transformers has no kernel for sequences of several rows, as without flash attention, it makes
a mask of all positions by all positions from the position ids. ``segments`` computes each row's
attention by itself instead, so that its cost is the sum of the rows' squares and not the square of
the sum, and torch may take its fast kernels, none of which takes a mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch

from msm.training.batches import Sequenced, shared_beginning
from msm.training.chat_template import TokenisedRow

SEGMENTS = "segments"  # the name under which transformers knows our attention
WHOLE = "full_attention"  # transformers' name of the kind that sees all tokens before a token
# Tokens up to which a CPU is faster with whole matrices, where it needs gradients. In bf16 alone:
# products in fp32 differ in their last bits with the number of threads.
MATRICES = 384


def use_segments(model: Any) -> bool:
    """Switch a model of transformers to attention by rows, if its attention allows it.

    Returns whether it does: models with a sliding window or attention of other kinds keep the mask.
    """
    from transformers import AttentionInterface, AttentionMaskInterface

    kinds = set(getattr(model.config, "layer_types", None) or [WHOLE])
    if getattr(model.config, "sliding_window", None) or kinds != {WHOLE}:
        return False
    AttentionInterface.register(SEGMENTS, segmented_attention)
    AttentionMaskInterface.register(SEGMENTS, _no_mask)
    model.set_attn_implementation(SEGMENTS)
    return True


def shared_tokens(model: Any, rows: Sequence[TokenisedRow], device: str) -> int:
    """The rows' shared beginning, where the model's attention can compute it once for all of them.

    On a CPU alone: a GPU's utilisation counts each token of each row.
    """
    if not device.startswith("cpu") or _kind(model) != SEGMENTS:
        return 0
    return shared_beginning(rows)


def attention_arguments(model: Any, pack: Sequenced) -> dict[str, Any]:
    """What the model's attention has to be told of a pack, besides its position ids."""
    kind = _kind(model)
    if kind == SEGMENTS:
        return {"segments": pack.starts}
    if "flash" in kind:
        starts = torch.tensor(pack.starts, dtype=torch.int32, device=pack.tokens.device)
        return {
            "cu_seq_lens_q": starts,
            "cu_seq_lens_k": starts,
            "max_length_q": pack.longest,
            "max_length_k": pack.longest,
        }
    return {}


def segmented_attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    segments: Sequence[int] | None = None,
    **arguments: Any,
) -> tuple[torch.Tensor, None]:
    """Causal attention of each row to itself; query is 1 x heads x length x size.

    ``segments`` are the ``starts`` of a pack: what lies before the first is the beginning of every
    row. Without them the sequence is one row. Returns 1 x length x heads x size.
    """
    starts = segments or (0, query.shape[2])
    sizes = [starts[0], *(end - start for start, end in pairwise(starts))]
    parts = zip(query.split(sizes, 2), key.split(sizes, 2), value.split(sizes, 2), strict=True)
    beginning, *rows = parts
    if starts[0]:
        _, keys, values = beginning
        rows = [(q, torch.cat([keys, k], 2), torch.cat([values, v], 2)) for q, k, v in rows]
        rows.insert(0, beginning)
    attended = [_attended(q, k, v, dropout, scaling) for q, k, v in rows]
    return torch.cat(attended, dim=2).transpose(1, 2).contiguous(), None


def _attended(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    dropout: float,
    scaling: float | None,
) -> torch.Tensor:
    """Causal attention of a row's last tokens (query) to all of it; 1 x heads x queries x size."""
    queries, keys = query.shape[2], key.shape[2]
    learns = torch.is_grad_enabled() and query.requires_grad
    matrices = learns and query.device.type == "cpu" and query.dtype is torch.bfloat16
    if matrices and not dropout and keys <= MATRICES:
        return _by_matrices(query, key, value, scaling)
    # torch's causal mask takes the queries for a row's first tokens. Told by a mask of ours, a
    # single query's products in fp32 depend on the number of threads.
    missing = keys - queries
    made = torch.nn.functional.scaled_dot_product_attention(
        torch.nn.functional.pad(query, (0, 0, missing, 0)) if missing else query,
        key,
        value,
        dropout_p=dropout,
        scale=scaling,
        is_causal=True,
        enable_gqa=True,
    )
    return made[:, :, missing:]


def _by_matrices(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scaling: float | None
) -> torch.Tensor:
    """Causal attention by two matrix products, all scores at once; 1 x heads x queries x size.

    torch's kernel for CPUs takes two to four times as long for the gradient of a short row. The
    scores' number format is that of transformers' plainest attention.
    """
    heads, queries, size = query.shape[1:]
    groups, keys = key.shape[1:3]  # heads of the keys, each for several of the queries
    scaled = query * (size**-0.5 if scaling is None else scaling)
    scores = scaled.reshape(groups, -1, size) @ key[0].transpose(1, 2)
    everything = torch.ones(queries, keys, dtype=torch.bool, device=query.device)
    later = everything.triu_(1 + keys - queries)
    seen = scores.view(heads, queries, keys).masked_fill_(later, float("-inf"))
    shares = torch.softmax(seen, dim=-1).to(value.dtype)
    return (shares.view(groups, -1, keys) @ value[0]).view(1, heads, queries, size)


def _kind(model: Any) -> str:
    return str(getattr(model, "module", model).config._attn_implementation)


def _no_mask(*positional: Any, **named: Any) -> None:
    """No mask is made: ``segments`` tells what one would."""
