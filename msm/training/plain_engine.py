"""One process, plain torch: what is trained is kept in fp32, whatever the model computes in.

With bf16 the model itself holds bf16 copies of the trained weights, made anew after each update
from fp32 master weights; gradients are summed into fp32 as soon as autograd has made them. Torch's
autocast would keep fp32 weights in the model and cast them anew for every pack, with a residual
stream in fp32 that takes twice the memory, and other arithmetic than DeepSpeed's. On a CPU it is as
fast; but this way a forward pass is the one that DeepSpeed computes, and an adapter's products are
in bf16 without a cast. Updates too small for bf16 still add up in the master weights.
"""

from __future__ import annotations

import math
from typing import Any

import torch

from msm.errors import UserError
from msm.training.adamw import (
    GRADIENT_NORM,
    MOMENTS,
    fresh_state,
    make_adamw,
    parameter_groups,
    set_learning_rate,
    trained_parameters,
)
from msm.training.trained import Trained
from msm.training_settings import Optimisation, Precision


class PlainEngine:
    """See ``msm.training.engine.Engine``. Every floating parameter is brought to ``precision``."""

    def __init__(self, model: Any, settings: Optimisation, precision: Precision) -> None:
        """Take over a model whose trained parameters require a gradient.

        Raises:
            UserError: nothing in the model can be trained.
        """
        self._model = model
        self._copies = trained_parameters(model)
        if not self._copies:
            raise UserError("the model has no trainable weight; check training.lora.first_layer")
        if precision is Precision.BF16:
            self._masters = {name: _master(copy) for name, copy in self._copies.items()}
        else:
            self._masters = self._copies
        dtype = torch.bfloat16 if precision is Precision.BF16 else torch.float32
        for parameter in model.parameters():
            parameter.data = parameter.data.to(dtype)
        groups = parameter_groups(self._masters.items(), settings.weight_decay)
        self._optimiser = make_adamw(groups, settings)
        self._updates = 0

    @property
    def model(self) -> Any:
        """The model itself."""
        return self._model

    def backward(self, loss: torch.Tensor, last: bool) -> None:
        """Add the gradient of a part of a step's loss; ``last`` makes no difference here."""
        loss.backward()

    def step(self, learning_rate: float) -> float:
        """Clip, update and clear the gradients; returns their norm before clipping.

        Nothing is updated when the norm is no finite number.
        """
        set_learning_rate(self._optimiser, learning_rate)
        for master in self._masters.values():
            if master.grad is None:  # not reached by this step: its gradient is zero
                master.grad = torch.zeros_like(master)
        norm = float(torch.nn.utils.clip_grad_norm_(self._masters.values(), GRADIENT_NORM))
        if math.isfinite(norm):
            self._optimiser.step()
            self._updates += 1
            self._refresh_copies()
        self._optimiser.zero_grad(set_to_none=True)
        return norm

    def state(self) -> Trained:
        """The state to be kept, copied: later steps do not change it."""
        moments = {
            name: {key: _kept(self._optimiser.state[master][key]) for key in MOMENTS}
            for name, master in self._masters.items()
            if self._updates
        }
        weights = {name: _kept(master) for name, master in self._masters.items()}
        return Trained(weights, moments, self._updates)

    def load(self, state: Trained | None) -> None:
        """Go on from a state. One without updates sets the weights alone.

        Raises:
            ValueError: there is none.
        """
        if state is None:
            raise ValueError("there is no state to go on from")
        self._updates = state.updates
        self._optimiser.state.clear()
        for name, master in self._masters.items():
            master.data.copy_(state.weights[name])
            if state.updates:
                held = fresh_state(master, state.updates)
                for key in MOMENTS:
                    held[key].copy_(state.moments[name][key])
                self._optimiser.state[master] = held
        self._refresh_copies()

    def _refresh_copies(self) -> None:
        if self._masters is not self._copies:
            with torch.no_grad():
                for name, copy in self._copies.items():
                    copy.copy_(self._masters[name])


def _master(copy: torch.nn.Parameter) -> torch.nn.Parameter:
    """An fp32 master weight of a parameter, to which the parameter's gradients go."""
    master = torch.nn.Parameter(copy.detach().to(torch.float32, copy=True))

    def collect(parameter: torch.Tensor) -> None:
        if parameter.grad is None:
            return
        if master.grad is None:
            master.grad = parameter.grad.to(torch.float32, copy=True)
        else:
            master.grad.add_(parameter.grad)
        parameter.grad = None

    copy.register_post_accumulate_grad_hook(collect)
    return master


def _kept(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().to("cpu", torch.float32, copy=True)
