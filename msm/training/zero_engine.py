"""One or many processes with DeepSpeed: ZeRO-1, ZeRO-2 and ZeRO-3 behind the plain engine's face.

DeepSpeed keeps fp32 master weights of whatever is trained and computes in bf16 or fp32, as
``msm.training.plain_engine`` does. It casts every parameter of a bf16 model to bf16 before it
makes its masters, the fp32 adapter too; so the exact values are noted before and set after.
Whole tensors go in and out by parameter name: a state belongs to no stage and to no number of
processes, and the plain engine's is the same.
"""

from __future__ import annotations

import io
import logging
import math
import warnings
from contextlib import redirect_stdout
from typing import Any

import torch

from msm.errors import UserError
from msm.execution import Trainer, Zero
from msm.training.adamw import (
    BETAS,
    EPSILON,
    MOMENTS,
    fresh_state,
    make_adamw,
    parameter_groups,
    set_learning_rate,
    trained_parameters,
)
from msm.training.agreement import from_main
from msm.training.sharing import tensor_from_main
from msm.training.trained import Trained
from msm.training.world import World
from msm.training.zero_settings import zero_settings
from msm.training_settings import Optimisation, Precision


class ZeroEngine:
    """See ``msm.training.engine.Engine``. The process group must be joined before."""

    def __init__(
        self,
        model: Any,
        settings: Optimisation,
        precision: Precision,
        trainer: Trainer,
        world: World,
    ) -> None:
        """Take over a model, loaded whole in each process or in shares (``partitioned_loading``).

        Raises:
            UserError: nothing in the model can be trained.
        """
        self._world = world
        self._stage = trainer.zero
        self._trained = trained_parameters(model)
        if not self._trained:
            raise UserError("the model has no trainable weight; check training.lora.first_layer")
        exact = _lost_to_bf16(self._trained, world) if precision is Precision.BF16 else {}
        size = sum(getattr(p, "ds_numel", p.numel()) for p in self._trained.values())
        groups = parameter_groups(self._trained.items(), settings.weight_decay)
        self._engine = _start(
            model,
            _optimiser(groups, settings, trainer, world.device),
            zero_settings(trainer, precision, size, hidden_size(model), world.device),
        )
        self._optimiser = self._engine.basic_optimizer
        self._updates = 0
        for name, value in exact.items():
            self._set_weight(name, value)

    @property
    def model(self) -> Any:
        """DeepSpeed's engine; called like the model."""
        return self._engine

    def backward(self, loss: torch.Tensor, last: bool) -> None:
        """Add this process's gradient of a part of a step's loss; ``last`` part of the step.

        Every process calls it equally often. The gradients become the sum over processes: DeepSpeed
        takes the mean, so the loss is multiplied by their number first.
        """
        self._engine.set_gradient_accumulation_boundary(last)
        self._engine.backward(loss * self._world.size)

    def step(self, learning_rate: float) -> float:
        """Clip, update and clear the gradients; returns their norm before clipping."""
        set_learning_rate(self._optimiser, learning_rate)
        self._engine.step()
        norm = float(self._engine.get_global_grad_norm())
        self._updates += math.isfinite(norm)  # DeepSpeed leaves such a step out, as plain does
        return norm

    def state(self) -> Trained | None:
        """The state to be kept, gathered tensor by tensor on the first process."""
        from deepspeed.utils import safe_get_full_fp32_param, safe_get_full_optimizer_state

        if self._updates:
            self._link_optimiser_state()
        weights: dict[str, torch.Tensor] = {}
        moments: dict[str, dict[str, torch.Tensor]] = {}
        for name, parameter in self._trained.items():
            whole = safe_get_full_fp32_param(parameter)
            means = {
                key: safe_get_full_optimizer_state(parameter, key)
                for key in MOMENTS
                if self._updates
            }
            if self._world.is_main:
                weights[name] = _kept(whole)
                if means:
                    moments[name] = {key: _kept(value) for key, value in means.items()}
        return Trained(weights, moments, self._updates) if self._world.is_main else None

    def load(self, state: Trained | None) -> None:
        """Go on from the first process's state; one without updates sets the weights alone."""
        from deepspeed.utils import (
            safe_set_full_optimizer_state,
            safe_set_local_optimizer_state,
        )

        self._updates = from_main(self._world, state.updates if state else 0)
        self._make_optimiser_state()
        for name, parameter in self._trained.items():
            self._set_weight(name, state.weights[name] if state else None)
            for key in MOMENTS if self._updates else ():
                moment = state.moments[name][key] if state else None
                value = tensor_from_main(self._world, moment, whole_shape(parameter))
                if self._stage is Zero.PARAMETERS:
                    safe_set_local_optimizer_state(parameter, self._own(parameter, value), key)
                else:
                    safe_set_full_optimizer_state(parameter, value, key)

    def _make_optimiser_state(self) -> None:
        """Give AdamW the state that it would have made in its first step, to be filled."""
        self._optimiser.state.clear()
        if not self._updates:
            return
        sharded = self._engine.optimizer
        if self._stage is Zero.PARAMETERS:
            flat = list(sharded.fp32_partitioned_groups_flat)
        else:
            flat = [part for group in self._optimiser.param_groups for part in group["params"]]
        for part in flat:
            held: dict[str, Any] = fresh_state(part, self._updates)
            if not isinstance(self._optimiser, torch.optim.AdamW):
                held["step"] = self._updates  # DeepSpeed's AdamW for CPUs counts in an integer
            self._optimiser.state[part] = held
        self._link_optimiser_state()

    def _link_optimiser_state(self) -> None:
        """Tell the parameters where their moments lie.

        ZeRO-1 and ZeRO-2 do so once, after the first group's first step, when the second group
        has no state yet; DeepSpeed 0.19.8 then finds nothing for its parameters.
        """
        if self._stage is not Zero.PARAMETERS:
            sharded = self._engine.optimizer
            sharded._hp_optimizer_states_linked = False
            sharded._lazy_init_hp_params_optimizer_state()

    def _set_weight(self, name: str, own: torch.Tensor | None) -> None:
        """Set the master weight, and the copy that the model computes with, to the first process's.

        ``own`` is this process's tensor, if it has one.
        """
        import deepspeed
        from deepspeed.utils import safe_set_full_fp32_param, safe_set_local_fp32_param

        parameter = self._trained[name]
        value = tensor_from_main(self._world, own, whole_shape(parameter))
        with torch.no_grad():
            if self._stage is Zero.PARAMETERS:
                safe_set_local_fp32_param(parameter, self._own(parameter, value))
                with deepspeed.zero.GatheredParameters([parameter], modifier_rank=0):
                    parameter.copy_(value)
            else:
                safe_set_full_fp32_param(parameter, value)
                parameter.copy_(value)

    def _own(self, parameter: torch.nn.Parameter, value: torch.Tensor) -> torch.Tensor:
        """This process's share of a whole tensor under ZeRO-3.

        Shares are equal, the last one filled up with zeros. DeepSpeed 0.19.8 cuts them by itself,
        but beyond the end where the number of processes does not divide the tensor.
        """
        size: int = parameter.ds_tensor.numel()  # type: ignore[attr-defined]
        missing = size * self._world.size - value.numel()
        flat = torch.nn.functional.pad(value.flatten(), (0, missing))
        return flat.narrow(0, size * self._world.rank, size)


def whole_shape(parameter: torch.nn.Parameter) -> torch.Size:
    """A parameter's own shape, also where ZeRO-3 keeps a share of it alone."""
    shape: torch.Size = getattr(parameter, "ds_shape", parameter.shape)
    return shape


def hidden_size(model: Any) -> int:
    """Width of the residual stream, which some configs keep with the language model's part."""
    return int(model.config.get_text_config().hidden_size)


def _start(model: Any, optimiser: Any, settings: dict[str, Any]) -> Any:
    """DeepSpeed's engine, without its reports on memory and on kernels that it builds."""
    import deepspeed

    logging.getLogger("DeepSpeed").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", category=FutureWarning, module="torch.distributed")
    with redirect_stdout(io.StringIO()):
        engine, *_ = deepspeed.initialize(
            model=model, optimizer=optimiser, config=settings, dist_init_required=False
        )
    return engine


def _optimiser(
    groups: list[dict[str, Any]], settings: Optimisation, trainer: Trainer, device: str
) -> Any:
    if trainer.offload and device.startswith("cuda"):
        from deepspeed.ops.adam import DeepSpeedCPUAdam

        return DeepSpeedCPUAdam(
            groups, lr=settings.learning_rate, betas=BETAS, eps=EPSILON, adamw_mode=True
        )
    return make_adamw(groups, settings)


def _lost_to_bf16(
    trained: dict[str, torch.nn.Parameter], world: World
) -> dict[str, torch.Tensor | None]:
    """The trained weights that a cast to bf16 would round: copies, on the first process alone."""
    return {
        name: _kept(parameter) if world.is_main else None
        for name, parameter in trained.items()
        if parameter.dtype is torch.float32 and not hasattr(parameter, "ds_id")
    }


def _kept(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().to("cpu", torch.float32, copy=True)
