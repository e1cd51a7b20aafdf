"""Activation checkpointing: keep few activations, compute the others twice.

transformers does it only in layers that are in training mode, and says nothing when they are not:
a single ``model.eval()`` before training brings the full memory back. So there are two checks: one
of the flags, cheap enough for each step, and one that counts what is computed twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import dropwhile
from typing import Any

import torch

from msm.errors import UserError


def checkpoint_activations(model: Any) -> None:
    """Switch it on and put the model into training mode.

    Without re-entrant autograd, so that the inputs of a frozen model under an adapter need no
    gradient of their own.

    Raises:
        UserError: the architecture cannot do it.
    """
    if not getattr(model, "supports_gradient_checkpointing", False):
        raise UserError(
            f"{type(model).__name__} has no activation checkpointing; "
            "set execution.trainer.activation_checkpointing to false"
        )
    model.activation_checkpointing_enable({"use_reentrant": False})
    model.train()
    require_checkpointing(model)


def require_checkpointing(model: Any) -> None:
    """Check the flags of every layer.

    Raises:
        UserError: a layer would keep all its activations.
    """
    layers = checkpointed_layers(model)
    idle = sum(not (layer.gradient_checkpointing and layer.training) for layer in layers)
    if idle or not layers:
        raise UserError(
            f"activation checkpointing is off in {idle} of {len(layers)} layers; "
            "call model.train() after any model.eval()"
        )


@contextmanager
def require_recomputation(model: Any) -> Iterator[None]:
    """Within it goes a forward and backward pass; the backward pass must compute each layer anew.

    The layers below the first that is trained have no backward pass, and keep nothing.

    Raises:
        UserError: it did not enter a layer again: the layer's activations were all kept.
    """
    layers = _from_the_first_trained(model)
    recomputed: set[int] = set()

    def note(index: int) -> None:
        if torch._C._current_graph_task_id() != -1:  # autograd is at work: a backward pass
            recomputed.add(index)

    # The layer's own hooks run once (transformers checkpoints its forward), its parts' run twice.
    hooks = [
        part.register_forward_pre_hook(lambda *_, index=index: note(index))
        for index, layer in enumerate(layers)
        for part in layer.children()
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
    kept = len(layers) - len(recomputed)
    if kept or not layers:
        raise UserError(
            f"activation checkpointing has no effect in {kept} of {len(layers)} layers; "
            "call model.train() after any model.eval()"
        )


def checkpointed_layers(model: Any) -> list[Any]:
    """The layers at whose inputs transformers would keep activations."""
    from transformers.modeling_layers import GradientCheckpointingLayer

    return [part for part in model.modules() if isinstance(part, GradientCheckpointingLayer)]


def _from_the_first_trained(model: Any) -> list[Any]:
    layers = checkpointed_layers(model)
    inside = {id(weight) for layer in layers for weight in layer.parameters()}
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    if any(id(weight) not in inside for weight in trained):  # the embedding lies below all layers
        return layers
    return list(
        dropwhile(lambda layer: not any(w.requires_grad for w in layer.parameters()), layers)
    )
