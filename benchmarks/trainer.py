"""One epoch's first steps on a CPU: our step loop against ``transformers.Trainer`` with padding.

    python benchmarks/trainer.py [--steps N] [--rounds N] [--length TOKENS] [--phase PHASE]

Documents and chats of ``recipes/cheese.yaml`` by the offline author, the embedded student, the same
adapter, bf16, batch size, optimiser and clipping on both sides, on one thread. Both train rows of
their own shuffled order, in turns within one run; loading and tokenising are not in the time.
Printed are tokens of the rows (without padding) a second of processor time, as other work on the
machine stretches seconds, and their ratio; the median of the rounds. The aim is 1.8.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import torch
from transformers import Trainer, TrainerCallback, TrainingArguments

from msm.configs import Phase
from msm.experiment import find_task
from msm.recipe import Recipe
from msm.recipe_file import load_recipe
from msm.task import Stage
from msm.training.adapter import with_adapter
from msm.training.attention import use_segments
from msm.training.batches import IGNORED
from msm.training.chat_template import TokenisedRow, load_tokenizer
from msm.training.engine import Engine
from msm.training.model import load_student
from msm.training.plain_engine import PlainEngine
from msm.training.rows import read_training_rows, supervised_tokens
from msm.training.schedule import Step, plan_steps
from msm.training.step import accumulate_gradient
from msm.training.student import materialise_student
from msm.training_settings import Optimisation
from msm.workspace import Workspace

ROOT = Path(__file__).parent.parent
AIM = 1.8
CLIP = 1.0


class Clock(TrainerCallback):  # type: ignore[misc]
    """Processor time between the beginning and the end of training."""

    def on_train_begin(self, *arguments: Any, **named: Any) -> None:
        """Start."""
        self.began = time.process_time()

    def on_train_end(self, *arguments: Any, **named: Any) -> None:
        """Stop."""
        self.seconds = time.process_time() - self.began


def training_rows(recipe: Recipe, tokenizer: Any) -> dict[Phase, list[TokenisedRow]]:
    """The documents, and the chats of preference and instruction together."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder), recipe)
        for stage in (Stage.PLAN, Stage.WRITE, Stage.CURATE):
            workspace.run(find_task(recipe, stage, "affordability-s1"))
        inputs = {"corpus": workspace.output(Stage.CURATE, "affordability-s1")}
        for name in ("preference-s1", "instruction-s1"):
            workspace.run(find_task(recipe, Stage.DEMONSTRATE, name))
            inputs[f"chats-{name}"] = workspace.output(Stage.DEMONSTRATE, name)
        return {phase: read_training_rows(phase, inputs, tokenizer) for phase in Phase}


def ours(engine: Engine, rows: list[TokenisedRow], plan: list[Step], rate: float) -> float:
    """Our steps; returns tokens a second."""
    began = time.process_time()
    for step in plan:
        counted = sum(supervised_tokens([rows[i] for i in pack]) for pack in step)
        accumulate_gradient(engine, rows, step, counted, "cpu")
        engine.step(rate)
    seconds = time.process_time() - began
    return sum(len(rows[i].tokens) for step in plan for pack in step for i in pack) / seconds


def theirs(
    model: Any, rows: list[TokenisedRow], steps: int, settings: Optimisation, pad: int, seed: int
) -> float:
    """As many steps of the Trainer, every batch padded to its longest row; tokens a second."""
    seen: list[int] = []

    def padded(batch: list[TokenisedRow]) -> dict[str, torch.Tensor]:
        longest = max(len(row.tokens) for row in batch)
        seen.append(sum(len(row.tokens) for row in batch))

        def table(make: Callable[[TokenisedRow], list[int]], filler: int) -> torch.Tensor:
            made = [make(row) for row in batch]
            return torch.tensor([row + [filler] * (longest - len(row)) for row in made])

        return {
            "input_ids": table(lambda row: list(row.tokens), pad),
            "attention_mask": table(lambda row: [1] * len(row.tokens), 0),
            "labels": table(
                lambda row: [
                    token if counts else IGNORED
                    for token, counts in zip(row.tokens, row.supervised, strict=True)
                ],
                IGNORED,
            ),
        }

    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            use_cpu=True,
            bf16=True,
            per_device_train_batch_size=settings.batch_size,
            max_steps=steps,
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            max_grad_norm=CLIP,
            optim="adamw_torch",
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            remove_unused_columns=False,
            disable_tqdm=True,
            seed=seed,
        )
        trainer = Trainer(
            model=model,
            args=arguments,
            train_dataset=rows,  # type: ignore[arg-type]
            data_collator=padded,  # type: ignore[arg-type]
            callbacks=[clock],
        )
        trainer.train()
    return sum(seen[:steps]) / clock.seconds


def main() -> None:
    """Print a line for each phase."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--length", type=int, default=2_048)
    parser.add_argument("--phase", type=Phase, choices=list(Phase), help="one alone")
    parser.add_argument("--masked", action="store_true", help="a mask in place of our attention")
    given = parser.parse_args()
    torch.set_num_threads(1)
    recipe = load_recipe(ROOT / "recipes" / "cheese.yaml", [])
    folder = materialise_student(recipe.student)
    tokenizer = load_tokenizer(folder)
    precision, lora = recipe.training.precision, recipe.training.lora
    models = [with_adapter(load_student(folder, precision, "cpu"), lora, None, 1) for _ in range(2)]
    if not given.masked:
        use_segments(models[0].get_base_model())
    for phase, rows in training_rows(recipe, tokenizer).items():
        if given.phase not in (None, phase):
            continue
        settings = getattr(recipe.training, "documents" if phase is Phase.DOCUMENTS else "chats")
        settings = settings.model_copy(update={"maximum_length": given.length})
        lengths = [len(row.tokens) for row in rows]
        plan = plan_steps(lengths, settings, seed=0)
        steps = min(given.steps, len(plan) // (given.rounds + 1))
        engine = PlainEngine(models[0].train(), settings, precision)
        pairs = []
        for turn in range(given.rounds + 1):
            part = plan[turn * steps : (turn + 1) * steps]
            fast = ours(engine, rows, part, settings.learning_rate)
            slow = theirs(models[1], rows, steps, settings, tokenizer.pad_token_id, turn)
            pairs.append((slow, fast))
        del pairs[0]  # warm-up
        ratios = [fast / slow for slow, fast in pairs]
        print(
            f"{phase:9} {len(rows)} rows of {min(lengths)} to {max(lengths)} tokens, "
            f"{len(plan[0])} packs a step: Trainer {statistics.median(s for s, _ in pairs):6.1f}, "
            f"ours {statistics.median(f for _, f in pairs):6.1f} tokens/s, "
            f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), "
            f"aim {AIM}",
            flush=True,
        )


if __name__ == "__main__":
    main()
