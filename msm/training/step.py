"""One process's part of an optimiser step: forward and backward over its packs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from msm.training.attention import attention_arguments, shared_tokens
from msm.training.batches import sequence
from msm.training.chat_template import TokenisedRow
from msm.training.engine import Engine
from msm.training.loss import summed_loss
from msm.training.schedule import Pack


def accumulate_gradient(
    engine: Engine, rows: Sequence[TokenisedRow], packs: Sequence[Pack], counted: int, device: str
) -> float:
    """Add the gradient of the packs' loss; returns that loss, this process's share of the step's.

    ``packs`` are this process's, as ``share_of`` gives them: as many as any other has. ``counted``
    is the number of tokens that the loss counts in the whole step, over all processes; the losses
    of all of them add up to the mean over these tokens.
    """
    total = torch.zeros((), dtype=torch.float32, device=device)
    for number, pack in enumerate(packs):
        members = [rows[row] for row in pack]
        sequenced = sequence(members, device, shared_tokens(engine.model, members, device))
        arguments = attention_arguments(engine.model, sequenced)
        with compute_format(engine.model, device):
            loss = summed_loss(engine.model, sequenced, **arguments) / counted
        engine.backward(loss, number == len(packs) - 1)
        total += loss.detach()
    return float(total)


def compute_format(model: Any, device: str) -> AbstractContextManager[Any]:
    """Where some weights are kept in fp32 and others in bf16, compute in bf16 with all of them.

    Without it an adapter in fp32 on weights in bf16 computes in fp32, at a fraction of the speed.
    """
    kinds = {parameter.dtype for parameter in model.parameters()}
    if kinds == {torch.float32, torch.bfloat16}:
        return torch.autocast(torch.device(device).type, torch.bfloat16)
    return nullcontext()
