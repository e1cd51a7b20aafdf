"""In place of flash-attn, which needs a GPU: its functions, as transformers calls them.

It computes what the package documents, in plain torch, and checks what the package insists on.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from types import ModuleType

import pytest
import torch


def install(patch: pytest.MonkeyPatch) -> None:
    """Have transformers find the stand-in, until the patch is undone."""
    from transformers import modeling_flash_attention_utils, utils

    package, padding = ModuleType("flash_attn"), ModuleType("flash_attn.bert_padding")
    for function in (flash_attn_func, flash_attn_varlen_func, flash_attn_with_kvcache):
        setattr(package, function.__name__, function)
    for function in (pad_input, unpad_input):
        setattr(padding, function.__name__, function)
    patch.setitem(sys.modules, "flash_attn", package)
    patch.setitem(sys.modules, "flash_attn.bert_padding", padding)
    for module in (modeling_flash_attention_utils, utils):
        patch.setattr(module, "is_flash_attn_2_available", lambda: True)
    patch.setattr(modeling_flash_attention_utils, "_loaded_implementation", None)


def flash_attn_func(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    dropout_p: float = 0.0,
    softmax_scale: float | None = None,
    causal: bool = False,
) -> torch.Tensor:
    """Attention of each sequence of a batch to itself; batch x length x heads x size."""
    made = torch.nn.functional.scaled_dot_product_attention(
        *(each.transpose(1, 2) for each in (q, k, v)),
        dropout_p=dropout_p,
        scale=softmax_scale,
        is_causal=causal,
        enable_gqa=True,
    )
    return made.transpose(1, 2)


def flash_attn_varlen_func(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    cu_seqlens_q: torch.Tensor,
    cu_seqlens_k: torch.Tensor,
    max_seqlen_q: int,
    max_seqlen_k: int,
    dropout_p: float = 0.0,
    softmax_scale: float | None = None,
    causal: bool = False,
) -> torch.Tensor:
    """Attention of sequences that lie one behind another; length x heads x size."""
    assert cu_seqlens_q.dtype is torch.int32
    assert torch.equal(cu_seqlens_q, cu_seqlens_k)
    starts = cu_seqlens_q.tolist()
    assert (starts[0], starts[-1]) == (0, len(q))
    assert max_seqlen_q == max_seqlen_k == max(end - start for start, end in pairwise(starts))
    rows = [
        flash_attn_func(
            *(each[None, start:end] for each in (q, k, v)), dropout_p, softmax_scale, causal
        )[0]
        for start, end in pairwise(starts)
    ]
    return torch.cat(rows)


def flash_attn_with_kvcache() -> None:
    """Of inference alone."""


def pad_input() -> None:
    """Of padded batches, which nobody makes."""


def unpad_input() -> None:
    """Of padded batches, which nobody makes."""
