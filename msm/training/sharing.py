"""What the first process gives the others: the state to go on from, a tensor at a time.

No other process ever holds more than one whole tensor: of 8 billion parameters weights and moments
are 96 GB, which a machine has once, but not once for each of its GPUs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.distributed as dist

from msm.training.world import World


def tensor_from_main(world: World, own: torch.Tensor | None, shape: Sequence[int]) -> torch.Tensor:
    """The first process's tensor in fp32, on this process's device.

    Args:
        world: of which every process makes this call.
        own: the tensor, on the first process; not looked at on the others.
        shape: its shape, which every process knows.

    Raises:
        ValueError: the first process has none, or one of another shape.
    """
    if not world.is_main:
        sent = torch.empty(tuple(shape), dtype=torch.float32, device=world.device)
    elif own is None or own.shape != tuple(shape):
        raise ValueError(f"a tensor of {tuple(shape)} is to be sent, and there is none")
    else:
        sent = own.to(world.device, torch.float32).contiguous()
    if world.size > 1:
        dist.broadcast(sent, src=0)
    return sent
