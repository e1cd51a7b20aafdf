"""The stage ``train``: one trainer for both phases, resumable to the bit on a CPU."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from msm.configs import TrainConfig
from msm.errors import UserError
from msm.execution import Execution
from msm.identity import digest_value, seed_from
from msm.jsonl import read_finished_rows, to_line, write_rows
from msm.progress import track
from msm.record import Outcome
from msm.table import write_table
from msm.training.attention import attention_arguments, use_segments
from msm.training.batches import batch_digest, sequence
from msm.training.chat_template import TokenisedRow, load_tokenizer
from msm.training.loss import summed_loss
from msm.training.model import load_student, save_adapter, with_adapter
from msm.training.resume import Position, forget_position, load_position, save_position
from msm.training.rows import check_rows, read_training_rows, supervised_tokens
from msm.training.schedule import Step, learning_rate, plan_steps

CURVE = "curve.csv"
CURVE_COLUMNS = ("step", "loss", "learning_rate")
PENDING_CURVE = "curve.jsonl"
GRADIENT_NORM = 1.0  # the clipping norm of transformers' Trainer


def run(
    config: TrainConfig, inputs: Mapping[str, Path], out: Path, execution: Execution
) -> Outcome:
    """Train one phase; writes the adapter, the loss curve, and nothing of the frozen weights.

    Raises:
        UserError: nothing to train on, too few steps, rows too long, or a loss that is no number.
    """
    torch.set_num_threads(execution.threads)
    tokenizer = load_tokenizer(inputs["student"])
    rows = read_training_rows(config.phase, inputs, tokenizer)
    steps = check_rows(rows, config.optimisation)
    student = load_student(inputs["student"], config.precision, execution.device)
    if execution.device == "cpu":
        use_segments(student)
    model = with_adapter(
        student, config.lora, inputs.get("checkpoint"), seed_from("adapter", config.seed)
    )
    trainable = [p for p in model.parameters() if p.requires_grad]
    if not trainable:
        raise UserError("the adapter has no trainable weight; check training.lora.first_layer")
    before = [p.detach().clone() for p in trainable]
    started = time.monotonic()
    plan = plan_steps([len(row.tokens) for row in rows], config.optimisation, config.seed)
    curve, first_step = _train(config, model, trainable, rows, plan, out, execution)
    seconds = time.monotonic() - started
    save_adapter(model, out)
    write_table(out / CURVE, [{key: point[key] for key in CURVE_COLUMNS} for point in curve])
    forget_position(out)
    (out / PENDING_CURVE).unlink()
    moved = math.sqrt(
        sum(float(((p.detach() - b) ** 2).sum()) for p, b in zip(trainable, before, strict=True))
    )
    if moved == 0:
        raise RuntimeError("the adapter did not move: no step reached its weights")
    tokens = [sum(len(rows[i].tokens) for pack in step for i in pack) for step in plan]
    speed = sum(tokens[first_step:]) / max(seconds, 1e-9)
    return Outcome(
        rows_in=len(rows),
        rows_out=len(rows),
        tokens=sum(tokens),
        summary={
            "steps": steps,
            "supervised_tokens": supervised_tokens(rows) * config.optimisation.epochs,
            "first_batch": batch_digest(rows, plan[0]),
            "chat_template": digest_value(tokenizer.chat_template),
            "first_loss": curve[0]["loss"],
            "last_loss": curve[-1]["loss"],
            "adapter_moved": moved,
            "adapter": "continued" if "checkpoint" in inputs else "fresh",
            "trainable_parameters": sum(p.numel() for p in trainable),
            "tokens_per_second": round(speed, 1),
        },
    )


def _train(
    config: TrainConfig,
    model: Any,
    trainable: list[torch.nn.Parameter],
    rows: Sequence[TokenisedRow],
    plan: Sequence[Step],
    out: Path,
    execution: Execution,
) -> tuple[list[Mapping[str, Any]], int]:
    """Train to the end; returns the whole curve, and the step at which this process took over."""
    settings = config.optimisation
    optimiser = torch.optim.AdamW(
        trainable, lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    position = load_position(out, model, optimiser)
    curve = read_finished_rows(out / PENDING_CURVE)[: position.step]
    write_rows(out / PENDING_CURVE, curve)
    saved = time.monotonic()
    label = f"train {config.phase}"
    model.train()
    with track(label, len(plan), "steps") as advance, (out / PENDING_CURVE).open("a") as file:
        for step in range(position.step, len(plan)):
            rate = learning_rate(step, len(plan), settings.learning_rate, settings.warmup)
            for group in optimiser.param_groups:
                group["lr"] = rate
            packs = [[rows[i] for i in pack] for pack in plan[step]]
            loss = _step(model, packs, execution.device)
            if not math.isfinite(loss):
                raise UserError(
                    f"the loss of step {step + 1} is {loss}; lower the learning rate in the recipe"
                )
            torch.nn.utils.clip_grad_norm_(trainable, GRADIENT_NORM)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            curve.append({"step": step + 1, "loss": round(loss, 6), "learning_rate": rate})
            file.write(to_line(curve[-1]) + "\n")
            advance(step + 1, f"loss {loss:.3f}")
            if time.monotonic() - saved > 60 * execution.checkpoint_minutes:
                file.flush()
                save_position(out, model, optimiser, Position(step + 1))
                saved = time.monotonic()
    return curve, position.step


def _step(model: Any, packs: list[list[TokenisedRow]], device: str) -> float:
    """Forward and backward over one optimiser step; returns the mean loss per counted token."""
    counted = sum(supervised_tokens(pack) for pack in packs)
    total = 0.0
    for pack in packs:
        sequenced = sequence(pack, device)
        loss = summed_loss(model, sequenced, **attention_arguments(model, sequenced)) / counted
        loss.backward()
        total += float(loss.detach())
    return total
