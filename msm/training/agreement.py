"""The few things that the processes of a training agree on, each a call that all of them make."""

from __future__ import annotations

from typing import TypeVar

import torch
import torch.distributed as dist

from msm.training.world import World

Value = TypeVar("Value")


def barrier(world: World) -> None:
    """Wait until every process is here."""
    if world.size > 1:
        dist.barrier()


def agree(world: World, flag: bool) -> bool:
    """Whether any process says so; every process gets the same answer."""
    if world.size == 1:
        return flag
    said = torch.tensor([int(flag)], device=world.device)
    dist.all_reduce(said, op=dist.ReduceOp.MAX)
    return bool(said.item())


def total(world: World, value: float) -> float:
    """The sum of every process's value, in float64; every process gets the same."""
    if world.size == 1:
        return value
    summed = torch.tensor([value], dtype=torch.float64, device=world.device)
    dist.all_reduce(summed)
    return float(summed.item())


def from_main(world: World, value: Value) -> Value:
    """The first process's value, on every process. Of small things only: it is pickled."""
    if world.size == 1:
        return value
    held = [value]
    dist.broadcast_object_list(held, src=0, device=torch.device(world.device))
    return held[0]
