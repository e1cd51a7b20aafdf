"""How fast our step trains a model of a given shape on this device: tokens a second, MFU, memory.

    python -m benchmarks.training_speed [--shape NAME] [--method full] [--length TOKENS] ...

Weights are random, so nothing is downloaded. Documents of 1,000 to 6,000 random tokens, as the
paper's, are packed to the length, and every step takes as many packs. Two steps warm up; printed is
the median of the others, with the memory beside what ``msm.training.estimate`` says. MFU counts
what the model needs, as ``docs/training.md`` tells, against the GPU's dense bf16 peak; a CPU has
none. The aim for Llama 3.1 8B is 45 %; torchtitan publishes 33 to 39 % on 8 H100. Under torchrun
the tokens and the MFU are those of all GPUs.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from typing import Any

import torch

from benchmarks.shapes import SHAPES
from msm.execution import Trainer, Zero
from msm.training.adapter import with_adapter
from msm.training.chat_template import TokenisedRow
from msm.training.engine import Engine
from msm.training.engines import make_engine
from msm.training.estimate import Setup, flops_per_token, memory
from msm.training.kernels import choose_attention, use_kernels
from msm.training.libraries import quiet_libraries
from msm.training.model import number_format
from msm.training.monitor import peak_of, used_memory
from msm.training.packing import fewest_packs
from msm.training.rows import supervised_tokens
from msm.training.schedule import share_of
from msm.training.shape import shape_of
from msm.training.step import accumulate_gradient
from msm.training.world import World, find_world, joined
from msm.training_settings import Lora, Method, Optimisation, Precision

WARM = 2
SHORTEST, LONGEST = 1_000, 6_000  # tokens of a document
RATE = 1e-5


def documents(tokens: int, longest: int, vocabulary: int) -> list[TokenisedRow]:
    """Documents of random tokens, together as many tokens or a few more."""
    chance = random.Random(0)
    rows: list[TokenisedRow] = []
    while tokens > 0:
        length = min(chance.randint(SHORTEST, LONGEST), longest)
        row = tuple(chance.randrange(vocabulary) for _ in range(length))
        rows.append(TokenisedRow(row, (True,) * length))
        tokens -= length
    return rows


def build(
    given: argparse.Namespace, trainer: Trainer, world: World
) -> tuple[Engine, dict[str, str]]:
    """The model of random weights in its engine, and the kernels that it uses."""
    from transformers import AutoConfig, AutoModelForCausalLM

    quiet_libraries()
    config: dict[str, Any] = dict(SHAPES[given.shape])
    attention = choose_attention(trainer, Precision.BF16, world.device)
    full = given.method is Method.FULL
    with torch.device(world.device):
        model = AutoModelForCausalLM.from_config(
            AutoConfig.for_model(config.pop("model_type"), **config),
            dtype=number_format(Precision.FP32 if full else Precision.BF16),
            attn_implementation=attention,
        )
    model.requires_grad_(full)
    kernels = use_kernels(model, trainer, attention, world.device)
    if not full:
        model = with_adapter(model, Lora(), None, seed=0)
    return make_engine(model.train(), Optimisation(), Precision.BF16, trainer, world), kernels


def measure(given: argparse.Namespace, world: World) -> str:
    """Train, and tell how it went."""
    trainer = Trainer(
        zero=Zero(given.zero),
        offload=given.offload,
        activation_checkpointing=given.activation_checkpointing,
        gpu=given.gpu,
    )
    shape = shape_of(SHAPES[given.shape])
    packs_needed = given.packs * (WARM + given.steps)
    rows = documents(packs_needed * given.length, given.length, shape.vocabulary)
    packed = fewest_packs([len(row.tokens) for row in rows], given.length, given.packs)
    engine, kernels = build(given, trainer, world)
    speeds = []
    for first in range(0, packs_needed, given.packs):
        step = [tuple(pack) for pack in packed[first : first + given.packs]]
        members = [rows[row] for pack in step for row in pack]
        started = time.perf_counter()
        mine = share_of(tuple(step), world.rank, world.size)
        accumulate_gradient(engine, rows, mine, supervised_tokens(members), world.device)
        engine.step(RATE)  # waits for the norm; what it does after that, the next step waits for
        took = time.perf_counter() - started
        speeds.append(sum(len(row.tokens) for row in members) / took)
    speed = statistics.median(speeds[WARM:])
    attended = sum(len(r.tokens) ** 2 for r in rows) / sum(len(r.tokens) for r in rows)
    setup = Setup(
        given.method, Lora(), Precision.BF16, given.length, attended,
        trainer.zero, trainer.offload, trainer.activation_checkpointing,
        fused=kernels["liger"] == "on",
    )  # fmt: skip
    peak = peak_of(world.device, trainer, world.size)
    mfu = f"MFU {speed * flops_per_token(shape, setup) / peak:.1%}" if peak else "no known peak"
    estimate = memory(shape, setup, world.size).total
    slowest, fastest = min(speeds[WARM:]), max(speeds[WARM:])
    return (
        f"{given.shape} {given.method}, packs of {given.length}, {given.packs} a step, "
        f"{world.size} x {_device_name(world.device)}: {speed:,.0f} tokens/s "
        f"({slowest:,.0f} to {fastest:,.0f}), {mfu}, {used_memory(world.device) / 1e9:.1f} GB "
        f"(estimate {estimate / 1e9:.1f}); "
        + ", ".join(f"{name} {state}" for name, state in kernels.items())
    )


def _device_name(device: str) -> str:
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


def main() -> None:
    """Print a line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--shape", choices=list(SHAPES), default="Llama 3.1 8B")
    parser.add_argument("--method", type=Method, choices=list(Method), default=Method.LORA)
    parser.add_argument("--length", type=int, default=8_192)
    parser.add_argument("--packs", type=int, default=2)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--zero", type=int, choices=list(map(int, Zero)), default=0)
    parser.add_argument("--offload", action="store_true")
    parser.add_argument("--activation-checkpointing", action="store_true")
    parser.add_argument("--gpu", default="", help="A100, H100 or H200, if the driver calls it else")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    given = parser.parse_args()
    world = find_world(given.device)
    with joined(world, group_of_one=given.zero != Zero.OFF):
        told = measure(given, world)
        if world.is_main:
            print(told, flush=True)


if __name__ == "__main__":
    main()
