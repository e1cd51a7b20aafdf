"""AdamW as every engine uses it: the same groups, constants and clipping everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from msm.training_settings import Optimisation

GRADIENT_NORM = 1.0  # the clipping norm of transformers' Trainer
BETAS = (0.9, 0.999)  # these two are torch's and transformers' defaults
EPSILON = 1e-8
MOMENTS = ("exp_avg", "exp_avg_sq")

Named = tuple[str, torch.nn.Parameter]


def trained_parameters(model: Any) -> dict[str, torch.nn.Parameter]:
    """The parameters that training changes, by name, in the model's order."""
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def parameter_groups(parameters: Iterable[Named], weight_decay: float) -> list[dict[str, Any]]:
    """Matrices decay; biases and the scales of norms do not, as in transformers' Trainer."""
    groups: dict[bool, list[torch.nn.Parameter]] = {True: [], False: []}
    for _, parameter in parameters:
        shape = getattr(parameter, "ds_shape", parameter.shape)  # ZeRO-3 keeps the shape apart
        groups[len(shape) > 1].append(parameter)
    return [
        {"params": members, "weight_decay": weight_decay if decays else 0.0}
        for decays, members in groups.items()
        if members
    ]


def make_adamw(groups: list[dict[str, Any]], settings: Optimisation) -> torch.optim.AdamW:
    """Torch's AdamW in its fused form, which a CPU has too: one pass over the memory."""
    return torch.optim.AdamW(
        groups, lr=settings.learning_rate, betas=BETAS, eps=EPSILON, fused=True
    )


def fresh_state(parameter: torch.Tensor, updates: int) -> dict[str, torch.Tensor]:
    """AdamW's state of one parameter after so many updates, with moments still to be filled."""
    step = torch.tensor(float(updates), dtype=torch.float32, device=parameter.device)
    return {"step": step, **{key: torch.zeros_like(parameter) for key in MOMENTS}}


def set_learning_rate(optimiser: torch.optim.Optimizer, learning_rate: float) -> None:
    """Set it for all groups."""
    for group in optimiser.param_groups:
        group["lr"] = learning_rate
