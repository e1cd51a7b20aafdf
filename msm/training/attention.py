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

from msm.training.batches import Sequenced

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


def attention_arguments(model: Any, pack: Sequenced) -> dict[str, Any]:
    """What the model's attention has to be told of a pack, besides its position ids."""
    kind = str(getattr(model, "module", model).config._attn_implementation)
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

    Without ``segments`` the sequence is one row. Returns 1 x length x heads x size.
    """
    starts = segments or (0, query.shape[2])
    sizes = [end - start for start, end in pairwise(starts)]
    rows = zip(query.split(sizes, 2), key.split(sizes, 2), value.split(sizes, 2), strict=True)
    learns = torch.is_grad_enabled() and query.requires_grad
    matrices = learns and query.device.type == "cpu" and query.dtype is torch.bfloat16
    attended = [
        _by_matrices(q, k, v, scaling)
        if matrices and not dropout and q.shape[2] <= MATRICES
        else torch.nn.functional.scaled_dot_product_attention(
            q, k, v, dropout_p=dropout, scale=scaling, is_causal=True, enable_gqa=True
        )
        for q, k, v in rows
    ]
    return torch.cat(attended, dim=2).transpose(1, 2).contiguous(), None


def _by_matrices(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scaling: float | None
) -> torch.Tensor:
    """Causal attention by two matrix products, all scores at once; 1 x heads x length x size.

    torch's kernel for CPUs takes two to four times as long for the gradient of a short row. The
    scores' number format is that of transformers' plainest attention.
    """
    heads, length, size = query.shape[1:]
    groups = key.shape[1]  # heads of the keys, each for several of the queries
    scaled = query * (size**-0.5 if scaling is None else scaling)
    scores = scaled.reshape(groups, -1, size) @ key[0].transpose(1, 2)
    later = torch.ones(length, length, dtype=torch.bool, device=query.device).triu_(1)
    seen = scores.view(heads, length, length).masked_fill_(later, float("-inf"))
    shares = torch.softmax(seen, dim=-1).to(value.dtype)
    return (shares.view(groups, -1, length) @ value[0]).view(1, heads, length, size)


def _no_mask(*positional: Any, **named: Any) -> None:
    """No mask is made: ``segments`` tells what one would."""
