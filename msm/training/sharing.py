"""What the first process gives the others: a state to go on from."""

from __future__ import annotations

import torch
import torch.distributed as dist

from msm.training.agreement import from_main
from msm.training.trained import Trained
from msm.training.world import World


def state_from_main(world: World, state: Trained | None) -> Trained:
    """The first process's state, tensor by tensor, on every process.

    Raises:
        ValueError: the first process has none.
    """
    if world.size == 1:
        if state is None:
            raise ValueError("there is no state to share")
        return state
    shapes = from_main(world, _shapes(state) if state else None)
    if shapes is None:
        raise ValueError("there is no state to share")
    weights: dict[str, torch.Tensor] = {}
    moments: dict[str, dict[str, torch.Tensor]] = {}
    for name, (shape, keys) in shapes.items():
        weights[name] = _tensor(world, state.weights[name] if state else None, shape)
        for key in keys:
            own = state.moments[name][key] if state else None
            moments.setdefault(name, {})[key] = _tensor(world, own, shape)
    return Trained(weights, moments, from_main(world, state.updates if state else 0))


def _shapes(state: Trained) -> dict[str, tuple[tuple[int, ...], tuple[str, ...]]]:
    return {
        name: (tuple(weight.shape), tuple(state.moments.get(name, {})))
        for name, weight in state.weights.items()
    }


def _tensor(world: World, own: torch.Tensor | None, shape: tuple[int, ...]) -> torch.Tensor:
    sent = torch.empty(shape, device=world.device) if own is None else own.to(world.device)
    dist.broadcast(sent, src=0)
    return sent.cpu()
