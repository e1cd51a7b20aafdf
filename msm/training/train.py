"""The stage ``train``: one trainer for both phases, on one process or many, exact on a CPU."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from msm.configs import TrainConfig
from msm.errors import Interrupted
from msm.execution import Execution, Zero
from msm.identity import digest_value, seed_from
from msm.record import Outcome
from msm.registry.live import open_live_log
from msm.stage import running_identity
from msm.table import write_table
from msm.training.adapter import save_adapter, with_adapter
from msm.training.chat_template import load_tokenizer
from msm.training.checkpoint import Course
from msm.training.dry_run import setup_of
from msm.training.engines import make_engine
from msm.training.estimate import Setup, flops_per_token, memory
from msm.training.guards import (
    check_clean,
    check_mask,
    check_memory,
    check_steps,
    check_trainable,
)
from msm.training.keeping import Keeper
from msm.training.kernels import choose_attention, liger_wanted, use_kernels
from msm.training.lesson import Lesson, make_lesson
from msm.training.loop import take_steps
from msm.training.memory_faults import memory_explained
from msm.training.model import load_student
from msm.training.monitor import Monitor, peak_of, used_memory
from msm.training.ranks import announce
from msm.training.rows import read_training_rows, supervised_tokens
from msm.training.shape import Shape, read_shape
from msm.training.trained import Trained
from msm.training.whole import save_whole
from msm.training.world import World, find_world, joined
from msm.training.zero_loading import exact_weights, partitioned_loading
from msm.training_settings import AdapterStart, Method, Precision

CURVE = "curve.csv"
SAMPLED = 50_000_000  # trained weights at most whose way is measured


def run(
    config: TrainConfig, inputs: Mapping[str, Path], out: Path, execution: Execution
) -> Outcome:
    """Train one phase; writes what was trained and the loss curve, on the first process alone.

    Raises:
        UserError: nothing to train on, a guard that refuses, a loss that is no number or jumps.
        Interrupted: somebody asked to stop; the same command goes on from there.
    """
    torch.set_num_threads(execution.threads)
    world = find_world(execution.device)
    with joined(world, group_of_one=execution.trainer.zero is not Zero.OFF):
        announce(world, out)
        return _run(config, inputs, out, execution, world)


def _run(
    config: TrainConfig,
    inputs: Mapping[str, Path],
    out: Path,
    execution: Execution,
    world: World,
) -> Outcome:
    tokenizer = load_tokenizer(inputs["student"])
    check_clean(inputs)
    lesson = _lesson(config, inputs, tokenizer)
    shape = read_shape(inputs["student"])
    setup = _setup(config, execution, lesson, world.device)
    check_memory(memory(shape, setup, world.size).total, world.device)
    with memory_explained(world.device, lesson.longest_pack):
        model, kernels = _model(config, inputs, execution, world)
        trainable = check_trainable(model)
        engine = make_engine(model, config.optimisation, config.precision, execution.trainer, world)
        if _rounded(config, execution, world):
            engine.load(exact_weights(_whole(config, inputs)) if world.is_main else None)
        start = _sample(engine.state())
        course = Course(running_identity() or lesson.digest, lesson.digest)
        keeper = Keeper(out, course, execution, world)
        started = time.monotonic()
        with _monitored(shape, setup, lesson, execution, world) as monitor:
            curve, first = take_steps(engine, lesson, config, execution, world, keeper, monitor)
        seconds = time.monotonic() - started
        state = engine.state()
    if state is None:  # the first process writes for all
        return Outcome(rows_in=len(lesson.rows), rows_out=len(lesson.rows))
    _write(state, config, inputs, out, model)
    write_table(out / CURVE, [dict(point) for point in curve])
    return Outcome(
        rows_in=len(lesson.rows),
        rows_out=len(lesson.rows),
        tokens=sum(lesson.tokens),
        summary={
            "steps": len(lesson.plan),
            "supervised_tokens": sum(lesson.counted),
            "first_batch": lesson.first_batch,
            "packs_in_a_step": len(lesson.plan[0]),
            "longest_pack": lesson.longest_pack,
            "fill": round(lesson.fill, 4),
            "chat_template": digest_value(tokenizer.chat_template),
            "first_loss": curve[0]["loss"],
            "last_loss": curve[-1]["loss"],
            "adapter_moved": _moved(start, state),
            "adapter": _adapter(config, inputs),
            "trainable_parameters": trainable,
            "tokens_per_second": round(sum(lesson.tokens[first:]) / max(seconds, 1e-9), 1),
            "processes": world.size,
            "zero": int(execution.trainer.zero),
            "kernels": kernels,
            "memory_gb": round(used_memory(world.device) / 1e9, 2),
            "gone_on_from": first,
        },
    )


def _lesson(config: TrainConfig, inputs: Mapping[str, Path], tokenizer: Any) -> Lesson:
    rows = read_training_rows(config.phase, inputs, tokenizer)
    check_mask(supervised_tokens([row]) for row in rows)
    lesson = make_lesson(rows, config.optimisation, config.seed)
    check_steps(lesson.tokens, config.optimisation)
    return lesson


def _setup(config: TrainConfig, execution: Execution, lesson: Lesson, device: str) -> Setup:
    lengths = [len(row.tokens) for row in lesson.rows]
    attended = sum(length**2 for length in lengths) / sum(lengths)
    return replace(
        setup_of(config, execution.trainer, attended),
        length=lesson.longest_pack,
        fused=liger_wanted(execution.trainer, device),
    )


def _model(
    config: TrainConfig, inputs: Mapping[str, Path], execution: Execution, world: World
) -> tuple[Any, dict[str, str]]:
    """The model with what is to be trained, and the kernels that it uses."""
    trainer, full = execution.trainer, config.method is Method.FULL
    attention = choose_attention(trainer, config.precision, world.device)
    # Of a whole model the exact weights are trained further, so they are loaded as they were kept.
    precision = Precision.FP32 if full else config.precision
    shared = _loaded_in_shares(execution, world)
    with _loading(config, inputs, execution, world) if shared else nullcontext():
        model = load_student(_whole(config, inputs), precision, world.device, attention)
    model.requires_grad_(full)
    kernels = use_kernels(model, trainer, attention, world.device)
    if not full:
        seed = seed_from("adapter", config.seed)
        model = with_adapter(model, config.lora, inputs.get("checkpoint"), seed, config.adapter)
    return model.train(), kernels


def _whole(config: TrainConfig, inputs: Mapping[str, Path]) -> Path:
    """The model that is loaded: the student, or the whole one of the phase before."""
    before = inputs.get("checkpoint")
    return before if config.method is Method.FULL and before is not None else inputs["student"]


def _loaded_in_shares(execution: Execution, world: World) -> bool:
    return execution.trainer.zero is Zero.PARAMETERS and world.size > 1


def _rounded(config: TrainConfig, execution: Execution, world: World) -> bool:
    """Whether the weights that are trained came into the engine in bf16."""
    full, half = config.method is Method.FULL, config.precision is Precision.BF16
    return full and half and _loaded_in_shares(execution, world)


@contextmanager
def _loading(
    config: TrainConfig, inputs: Mapping[str, Path], execution: Execution, world: World
) -> Iterator[None]:
    """ZeRO-3: each process loads its share of the weights alone."""
    hidden = read_shape(inputs["student"]).hidden
    with partitioned_loading(execution.trainer, config.precision, hidden, world.device):
        yield


@contextmanager
def _monitored(
    shape: Shape, setup: Setup, lesson: Lesson, execution: Execution, world: World
) -> Iterator[Monitor]:
    """The run's monitor, with a log in MLflow where one is wanted."""
    log = open_live_log(execution) if world.is_main else None
    peak = peak_of(world.device, execution.trainer, world.size)
    put = log.put if log else None
    status = "FAILED"
    try:
        yield Monitor(len(lesson.plan), flops_per_token(shape, setup), peak, world.device, put)
        status = "FINISHED"
    except (Interrupted, KeyboardInterrupt):
        status = "KILLED"
        raise
    finally:
        if log and (left := log.close(status)):
            print(f"msm: {left}", file=sys.stderr)


def _write(
    state: Trained, config: TrainConfig, inputs: Mapping[str, Path], out: Path, model: Any
) -> None:
    """The result: the adapter, or the whole model."""
    if config.method is Method.FULL:
        save_whole(state.weights, inputs["student"], out)
        return
    stacked = config.adapter is AdapterStart.FRESH
    save_adapter(model, out, state.weights, inputs.get("checkpoint") if stacked else None)


def _adapter(config: TrainConfig, inputs: Mapping[str, Path]) -> str:
    """What the record says of the adapter."""
    if config.method is Method.FULL:
        return "none: all weights"
    if "checkpoint" not in inputs:
        return "fresh"
    return "continued" if config.adapter is AdapterStart.CONTINUED else "fresh, on an earlier one"


def _sample(state: Trained | None) -> dict[str, torch.Tensor]:
    """Some of the trained weights, whole tensors in the order of their names."""
    taken: dict[str, torch.Tensor] = {}
    numbers = 0
    for name, weight in sorted(state.weights.items()) if state else ():
        numbers += weight.numel()
        if taken and numbers > SAMPLED:
            break
        taken[name] = weight
    return taken


def _moved(before: Mapping[str, torch.Tensor], state: Trained) -> float:
    """How far the sampled weights went, as a Euclidean distance.

    Raises:
        RuntimeError: nowhere: no step reached them.
    """
    squares = [float(((state.weights[name] - old) ** 2).sum()) for name, old in before.items()]
    if sum(squares) == 0:
        raise RuntimeError("the trained weights did not move: no step reached them")
    return math.sqrt(sum(squares))
