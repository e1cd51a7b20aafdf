"""Train small jobs with an engine, in one process or under torchrun; writes losses and states.

Usage: engine_worker.py JOBS_JSON. A job says what to train and with which engine, see ``Job``.
"""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from msm.execution import Trainer, Zero
from msm.training.activations import checkpoint_activations, require_recomputation
from msm.training.adapter import with_adapter
from msm.training.agreement import agree, barrier, total
from msm.training.engine import Engine
from msm.training.engines import make_engine
from msm.training.libraries import quiet_libraries
from msm.training.model import load_student
from msm.training.trained import Trained
from msm.training.world import World, find_world, joined
from msm.training.zero_loading import partitioned_loading
from msm.training_settings import Lora, Method, Optimisation, Precision

PACKS = 3  # an odd number: with two processes, one of them has an idle pack in each step
LENGTH = 24
SETTINGS = Optimisation(learning_rate=1e-2, weight_decay=0.1)
LORA = Lora(rank=4, alpha=8)


@dataclass(frozen=True)
class Job:
    """Take steps ``first`` to ``last`` and write ``out``.json and ``out``.safetensors."""

    student: str
    out: str
    method: str = "lora"
    precision: str = "fp32"
    zero: int = 0
    offload: bool = False
    first: int = 0
    last: int = 6
    start: str = ""
    partitioned: bool = False
    recompute: bool = False


def main() -> None:
    """Run every job of the file, one after another, in the same processes."""
    quiet_libraries()
    torch.set_num_threads(1)
    jobs = [Job(**job) for job in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))]
    world = find_world("cpu")
    with joined(world, group_of_one=any(job.zero for job in jobs)):
        for job in jobs:
            run_job(job, world)
        barrier(world)
        said = {
            "size": world.size,
            "one": agree(world, world.rank == world.size - 1),
            "none": agree(world, False),
            "total": total(world, world.rank + 1.5),
        }
        Path(f"{sys.argv[1]}.said-{world.rank}").write_text(json.dumps(said), encoding="utf-8")


def run_job(job: Job, world: World) -> None:
    """Train one job and write what it made."""
    trainer = Trainer(zero=Zero(job.zero), offload=job.offload)
    precision = Precision(job.precision)
    engine = make_engine(load(job, trainer, precision, world), SETTINGS, precision, trainer, world)
    if job.start:
        engine.load(read_trained(Path(job.start)))
    engine.model.train()
    curve = []
    for step in range(job.first, job.last):
        with require_recomputation(engine.model) if job.recompute else nullcontext():
            curve.append(take_step(engine, step, world))
    state = engine.state()
    if world.is_main:
        assert state is not None
        write_trained(state, Path(f"{job.out}.safetensors"))
        Path(f"{job.out}.json").write_text(json.dumps(curve), encoding="utf-8")


def load(job: Job, trainer: Trainer, precision: Precision, world: World) -> Any:
    """The student, in shares if asked for, with an adapter or whole."""
    student = Path(job.student)
    if job.partitioned:
        hidden = json.loads((student / "config.json").read_text(encoding="utf-8"))["hidden_size"]
        with partitioned_loading(trainer, precision, hidden, world.device):
            model = load_student(student, precision, world.device)
    else:
        model = load_student(student, Precision.FP32, world.device)
    if job.method == Method.LORA:
        model = with_adapter(model, LORA, None, seed=5)
    if job.recompute:
        checkpoint_activations(model)
    return model


def take_step(
    engine: Engine, step: int, world: World, rate: float = SETTINGS.learning_rate
) -> dict[str, float]:
    """One step over all packs of the step; returns its loss and gradient norm."""
    packs = [pack(step, index) for index in range(PACKS)]
    counted = PACKS * (LENGTH - 1)
    mine = packs[world.rank :: world.size]
    rounds = -(-PACKS // world.size)
    loss = 0.0
    for turn in range(rounds):
        tokens = mine[turn] if turn < len(mine) else torch.zeros(1, 2, dtype=torch.long)
        logits = engine.model(input_ids=tokens, use_cache=False).logits.float()
        part = torch.nn.functional.cross_entropy(logits[0, :-1], tokens[0, 1:], reduction="sum")
        part = part * (1 / counted if turn < len(mine) else 0.0)
        engine.backward(part, turn == rounds - 1)
        loss += float(part.detach())
    return {"loss": total(world, loss), "norm": engine.step(rate)}


def pack(step: int, index: int) -> torch.Tensor:
    """Tokens of one pack, 1 x LENGTH, the same in every process; they repeat, to be learnt."""
    generator = torch.Generator().manual_seed(100 * (step % 2) + index)
    return torch.randint(3, 200, (1, LENGTH), generator=generator)


def write_trained(state: Trained, path: Path) -> None:
    """Write a state as safetensors."""
    tensors = {f"weight/{name}": value for name, value in state.weights.items()}
    for name, means in state.moments.items():
        tensors |= {f"{key}/{name}": value for key, value in means.items()}
    save_file(tensors, path, metadata={"updates": str(state.updates)})


def read_trained(path: Path) -> Trained:
    """Read a state that ``write_trained`` wrote."""
    weights: dict[str, torch.Tensor] = {}
    moments: dict[str, dict[str, torch.Tensor]] = {}
    with safe_open(path, framework="pt") as file:
        for entry in list(file.keys()):
            kind, _, name = entry.partition("/")
            if kind == "weight":
                weights[name] = file.get_tensor(entry)
            else:
                moments.setdefault(name, {})[kind] = file.get_tensor(entry)
        return Trained(weights, moments, int(file.metadata()["updates"]))


if __name__ == "__main__":
    main()
