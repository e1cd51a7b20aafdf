"""Where a cut training run goes on: adapter, optimiser and step, in one file, renamed into place.

There is no randomness after the adapter's first weights (no dropout, and the order of rows comes
from the seed), so this is all that a run needs to end bit for bit where an uncut one ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

POSITION = "position.safetensors"


@dataclass(frozen=True)
class Position:
    """Optimiser steps already taken."""

    step: int


def save_position(
    folder: Path, model: Any, optimiser: torch.optim.Optimizer, position: Position
) -> None:
    """Write the trainable weights and the optimiser's state aside, then rename."""
    tensors: dict[str, torch.Tensor] = {}
    names = _trainable(model)
    for name, parameter in names.items():
        tensors[f"weight/{name}"] = parameter.detach().contiguous()
        for key, value in optimiser.state[parameter].items():
            tensors[f"state/{key}/{name}"] = torch.as_tensor(value).contiguous()
    partial = folder / f".{POSITION}.partial"
    save_file(tensors, partial, metadata={"step": str(position.step)})
    partial.rename(folder / POSITION)


def load_position(folder: Path, model: Any, optimiser: torch.optim.Optimizer) -> Position:
    """Bring model and optimiser to the saved position; step 0 where nothing was saved."""
    path = folder / POSITION
    if not path.exists():
        return Position(0)
    names = _trainable(model)
    with safe_open(path, framework="pt") as file:
        for name, parameter in names.items():
            parameter.data.copy_(file.get_tensor(f"weight/{name}"))
        for key in list(file.keys()):
            kind, _, rest = key.partition("/")
            if kind == "state":
                field, _, name = rest.partition("/")
                optimiser.state[names[name]][field] = file.get_tensor(key).clone()
        step = int(file.metadata()["step"])
    return Position(step)


def forget_position(folder: Path) -> None:
    """Remove the saved position: the phase is done, and its output holds the result alone."""
    (folder / POSITION).unlink(missing_ok=True)
    (folder / f".{POSITION}.partial").unlink(missing_ok=True)


def _trainable(model: Any) -> dict[str, torch.nn.Parameter]:
    return {name: p for name, p in model.named_parameters() if p.requires_grad}
