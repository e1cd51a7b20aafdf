"""Choosing the engine that a run's settings and its number of processes ask for."""

from __future__ import annotations

from typing import Any

from msm.errors import UserError
from msm.execution import Trainer, Zero
from msm.training.engine import Engine
from msm.training.plain_engine import PlainEngine
from msm.training.world import World
from msm.training.zero_engine import ZeroEngine
from msm.training_settings import Optimisation, Precision


def make_engine(
    model: Any, settings: Optimisation, precision: Precision, trainer: Trainer, world: World
) -> Engine:
    """Plain torch for one process without ZeRO, DeepSpeed for everything else.

    Raises:
        UserError: many processes without a ZeRO stage, or nothing in the model can be trained.
    """
    if trainer.zero is not Zero.OFF:
        return ZeroEngine(model, settings, precision, trainer, world)
    if world.size > 1:
        raise UserError(
            f"{world.size} processes, but execution.trainer.zero is 0; set it to 1, 2 or 3"
        )
    return PlainEngine(model, settings, precision)
