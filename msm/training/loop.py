"""The loop over optimiser steps, alike on one process and on many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from msm.configs import TrainConfig
from msm.execution import Execution, Trainer
from msm.progress import track
from msm.training.activations import require_checkpointing, require_recomputation
from msm.training.agreement import agree, from_main, total
from msm.training.engine import Engine
from msm.training.interruption import asked_of_any, interrupted, listening, seconds_left
from msm.training.keeping import Keeper, Point
from msm.training.lesson import Lesson
from msm.training.monitor import Monitor
from msm.training.schedule import learning_rate, share_of
from msm.training.step import accumulate_gradient
from msm.training.watch import HISTORY, LossWatch
from msm.training.world import World


def take_steps(
    engine: Engine,
    lesson: Lesson,
    config: TrainConfig,
    execution: Execution,
    world: World,
    keeper: Keeper,
    monitor: Monitor,
) -> tuple[list[Point], int]:
    """Train from the newest checkpoint to the end of the plan.

    Returns:
        The whole curve (on the first process), and the step at which this run took over.

    Raises:
        UserError: the loss is no number or jumps; the disk is full.
        Interrupted: somebody asked to stop; the state is kept.
    """
    first, curve = keeper.restore(engine)
    watch = LossWatch(execution.trainer.spike)
    # Only the first process has the curve, and all of them must stop at the same loss.
    watch.recent.extend(from_main(world, [float(point["loss"]) for point in curve[-HISTORY:]]))
    settings, steps = config.optimisation, len(lesson.plan)
    with track(f"train {config.phase}", steps, "steps") as advance, listening():
        try:
            for step in range(first, steps):
                rate = learning_rate(step, steps, settings.learning_rate, settings.warmup)
                packs = share_of(lesson.plan[step], world.rank, world.size)
                with _proven(engine, execution.trainer, step == first):
                    share = accumulate_gradient(
                        engine, lesson.rows, packs, lesson.counted[step], world.device
                    )
                loss = total(world, share)
                newest = keeper.newest
                watch.check(step + 1, loss, newest)
                norm = engine.step(rate)
                watch.check_norm(step + 1, norm, newest)
                curve.append(_point(step + 1, loss, rate, norm, lesson.tokens[step]))
                note = monitor.step(step + 1, loss, rate, norm, lesson.tokens[step])
                advance(step + 1, note)
                number = asked_of_any(world.device)
                if step + 1 < steps and (number or agree(world, keeper.due)):
                    keeper.save(step + 1, engine, curve)
                if number and step + 1 < steps:
                    missing = keeper.close(seconds_left(execution.trainer.grace))
                    where = f"after step {step + 1} of {steps}"
                    raise interrupted(number, f"{where} ({missing})" if missing else where)
        finally:
            keeper.close(0.0)  # at the end of a run its result is there instead
    return curve, first


@contextmanager
def _proven(engine: Engine, trainer: Trainer, first: bool) -> Iterator[None]:
    """Activation checkpointing, where it is wanted, is in effect: seen once, and checked always."""
    if not trainer.activation_checkpointing:
        yield
        return
    require_checkpointing(engine.model)
    with require_recomputation(engine.model) if first else nullcontext():
        yield


def _point(step: int, loss: float, rate: float, norm: float, tokens: int) -> Point:
    return {
        "step": step,
        "loss": round(loss, 6),
        "learning_rate": rate,
        "gradient_norm": round(norm, 6),
        "tokens": tokens,
    }
