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
from msm.training.adapter import save_adapter, with_adapter
from msm.training.batches import (
    IGNORED,
    batch_digest,
    check_rows,
    micro_batches,
    read_training_rows,
    step_batches,
    supervised_tokens,
)
from msm.training.chat_template import TokenisedRow, load_tokenizer
from msm.training.model import load_student
from msm.training.resume import Position, forget_position, load_position, save_position

CURVE = "curve.csv"
CURVE_COLUMNS = ("step", "loss", "learning_rate")
PENDING_CURVE = "curve.jsonl"
GRADIENT_NORM = 1.0  # the clipping norm of transformers' Trainer
MICRO_TOKENS = 1024  # padded tokens in one forward pass; a shape that two CPU cores digest well


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
    model = with_adapter(
        student,
        config.lora,
        inputs.get("checkpoint"),
        seed_from("adapter", config.seed),
        config.adapter,
    )
    trainable = [p for p in model.parameters() if p.requires_grad]
    if not trainable:
        raise UserError("the adapter has no trainable weight; check training.lora.first_layer")
    before = [p.detach().clone() for p in trainable]
    started = time.monotonic()
    curve, first_step = _train(
        config, model, trainable, rows, out, execution, tokenizer.pad_token_id
    )
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
    batches = step_batches(rows, config.optimisation, config.seed)
    tokens = [sum(len(rows[i].tokens) for i in batch) for batch in batches]
    speed = sum(tokens[first_step:]) / max(seconds, 1e-9)
    return Outcome(
        rows_in=len(rows),
        rows_out=len(rows),
        tokens=sum(tokens),
        summary={
            "steps": steps,
            "supervised_tokens": supervised_tokens(rows) * config.optimisation.epochs,
            "first_batch": batch_digest([rows[i] for i in batches[0]]),
            "chat_template": digest_value(tokenizer.chat_template),
            "first_loss": curve[0]["loss"],
            "last_loss": curve[-1]["loss"],
            "adapter_moved": moved,
            "adapter": "continued" if "checkpoint" in inputs else "fresh",
            "trainable_parameters": sum(p.numel() for p in trainable),
            "tokens_per_second": round(speed, 1),
        },
    )


def learning_rate(step: int, steps: int, peak: float, warmup: float) -> float:
    """Linear warm-up over ``warmup * steps`` steps, then a cosine down to zero after the last."""
    ramp = max(1, round(warmup * steps))
    if step < ramp:
        return peak * (step + 1) / ramp
    done = (step - ramp + 1) / (steps - ramp + 1)
    return peak * 0.5 * (1 + math.cos(math.pi * done))


def _train(
    config: TrainConfig,
    model: Any,
    trainable: list[torch.nn.Parameter],
    rows: Sequence[TokenisedRow],
    out: Path,
    execution: Execution,
    pad: int,
) -> tuple[list[Mapping[str, Any]], int]:
    """Train to the end; returns the whole curve, and the step at which this process took over."""
    settings = config.optimisation
    optimiser = torch.optim.AdamW(
        trainable, lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    batches = step_batches(rows, settings, config.seed)
    position = load_position(out, model, optimiser)
    curve = read_finished_rows(out / PENDING_CURVE)[: position.step]
    write_rows(out / PENDING_CURVE, curve)
    saved = time.monotonic()
    label = f"train {config.phase}"
    model.train()
    with track(label, len(batches), "steps") as advance, (out / PENDING_CURVE).open("a") as file:
        for step in range(position.step, len(batches)):
            rate = learning_rate(step, len(batches), settings.learning_rate, settings.warmup)
            for group in optimiser.param_groups:
                group["lr"] = rate
            batch = [rows[i] for i in batches[step]]
            loss = _step(model, batch, pad, execution.device)
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


def _step(model: Any, batch: list[TokenisedRow], pad: int, device: str) -> float:
    """Forward and backward over one optimiser step; returns the mean loss per counted token."""
    counted = supervised_tokens(batch)
    longest = max(len(row.tokens) for row in batch)
    total = 0.0
    for micro in micro_batches(batch, max(1, MICRO_TOKENS // longest), pad):
        tokens = torch.tensor(micro.tokens, device=device)
        mask = torch.tensor(micro.mask, device=device)
        labels = torch.tensor(micro.labels, device=device)
        logits = model(input_ids=tokens, attention_mask=mask, use_cache=False).logits
        loss = (
            torch.nn.functional.cross_entropy(
                logits[:, :-1].flatten(0, 1).float(),
                labels[:, 1:].flatten(),
                ignore_index=IGNORED,
                reduction="sum",
            )
            / counted
        )
        loss.backward()
        total += float(loss.detach())
    return total
