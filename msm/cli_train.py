"""What `msm train` prints besides training: its plan, and its job for Kubeflow Trainer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.table import Table

from msm.configs import TrainConfig
from msm.errors import UserError
from msm.execution import Attention, Execution, Zero
from msm.experiment import find_task
from msm.recipe import Recipe
from msm.task import Stage
from msm.training.dry_run import Fit, RunPlan, fits, plan_run, rows_of, setup_of
from msm.training.estimate import EXPECTED_MFU, Setup, memory, trained_parameters
from msm.training.gpus import PRICES_OF
from msm.training.guards import check_steps
from msm.training.shape import Shape, read_shape
from msm.training.student import config_folder
from msm.training_settings import AdapterStart, Method, Optimisation, Precision
from msm.workspace import Workspace

PARTS = ("weights", "gradients", "optimiser", "activations", "logits", "overhead", "total")


def show_plan(recipe: Recipe, name: str, root: Path) -> None:
    """Print the plan of a training task; no weights are loaded.

    Raises:
        UserError: there is no such task, the student's config cannot be read, a row is too long.
    """
    task = find_task(recipe, Stage.TRAIN, name)
    config, trainer = task.config, recipe.execution.trainer
    assert isinstance(config, TrainConfig)
    shape = read_shape(config_folder(recipe.student))
    rows = rows_of(recipe, task, Workspace(root, recipe))
    plan = plan_run(rows, config.optimisation, config.seed)
    setup = setup_of(config, trainer, plan.attended)
    found = fits(shape, setup, plan.tokens, trainer)
    print(f"{task.label}: {config.phase}, seed {config.seed}, student {recipe.student.label}")
    _show_rows(plan, config.optimisation)
    trained = trained_parameters(shape, setup)
    share = trained / shape.parameters
    print(
        f"model      {shape.parameters:,} parameters, {trained:,} of them trained"
        if config.method is Method.FULL
        else f"model      {shape.parameters:,} parameters; adapter {trained:,} ({share:.2%})"
    )
    print(f"adapter    {_adapter(config, 'checkpoint' in task.inputs)}")
    print(f"settings   {settings(recipe.execution, config.precision)}")
    print()
    _show_memory(shape, setup, found)
    print()
    _show_fits(found, setup)
    _show_faults(plan, config.optimisation)


def settings(execution: Execution, precision: Precision) -> str:
    """Which of the trainer's settings are on here, and which are not."""
    trainer, on_gpu = execution.trainer, execution.device.startswith("cuda")
    flash = find_spec("flash_attn") is not None and on_gpu and precision is Precision.BF16
    liger = find_spec("liger_kernel") is not None and on_gpu
    named = {
        "flash attention": flash and trainer.attention is not Attention.SDPA,
        "Liger kernels": liger and trainer.liger,
        "activation checkpointing": trainer.activation_checkpointing,
        "optimiser offload": trainer.offload and trainer.zero > Zero.OFF,
    }
    each = [f"{what} {'on' if on else 'off'}" for what, on in named.items()]
    zero = "off" if trainer.zero is Zero.OFF else f"stage {trainer.zero.value}"
    return f"{precision}, device {execution.device}, ZeRO {zero}, {', '.join(each)}"


def show_trainjob(
    recipe: Recipe, name: str, path: Path, overrides: Sequence[str], profile: str | None
) -> None:
    """Print a training task as a ``TrainJob``, in YAML.

    Raises:
        UserError: there is no such task, or the recipe names no image.
    """
    import yaml

    from msm.training.trainjob import train_command, trainjob

    task = find_task(recipe, Stage.TRAIN, name)
    job, grace = recipe.execution.trainer.job_and_grace()
    settings = (
        *overrides,
        f"execution.trainer.grace_seconds={grace:g}",
        f"execution.device={job.device}",
    )
    command = train_command(path, task.name, settings, profile, bool(job.claim))
    pool = recipe.execution.pool(Stage.TRAIN)
    manifest = trainjob(job, recipe.name, task.name, command, pool)
    print(yaml.safe_dump(manifest, sort_keys=False), end="")


def _show_rows(plan: RunPlan, optimisation: Optimisation) -> None:
    how = "counted" if plan.counted else "an estimate: the data are still to be made"
    print(f"rows       {plan.rows:,}, {plan.tokens:,} tokens over all epochs ({how})")
    mean = plan.tokens // max(1, plan.steps)
    print(
        f"steps      {plan.steps:,} of about {mean:,} tokens, at most {plan.largest_step:,}; "
        f"warm-up {plan.warmup:,}, learning rate {optimisation.learning_rate:g}"
    )
    print(
        f"packs      {plan.packs:,} of at most {optimisation.maximum_length:,} tokens, "
        f"{plan.fill:.1%} filled"
    )


def _adapter(config: TrainConfig, continues: bool) -> str:
    if config.method is Method.FULL:
        return "none: all weights are trained"
    shape = f"rank {config.lora.rank}, alpha {config.lora.alpha}"
    if not continues:
        return f"{shape}, fresh"
    if config.adapter is AdapterStart.FRESH:
        return f"{shape}, fresh, on the student with the earlier phases merged into it"
    return f"{shape}, continued from the phase before"


def _show_memory(shape: Shape, setup: Setup, found: Sequence[Fit]) -> None:
    """Memory of each process, for one process and for each number that a GPU needs."""
    given = int(os.environ.get("WORLD_SIZE", "1"))
    counts = sorted({given, *(fit.processes for fit in found if fit.processes)})
    table = Table(box=None, header_style="bold", title="GB on each GPU", title_justify="left")
    table.add_column("GPUs", justify="right")
    for part in PARTS:
        table.add_column(part, justify="right")
    for count in counts:
        parts = memory(shape, setup, count)
        cells = [f"{getattr(parts, part) / 1e9:,.1f}" for part in PARTS]
        table.add_row(str(count), *cells)
    _print(table)


def _show_fits(found: Sequence[Fit], setup: Setup) -> None:
    table = Table(box=None, header_style="bold")
    for column in ("GPU", "memory GB", "needed", "hours", "US $"):
        table.add_column(column, justify="left" if column == "GPU" else "right")
    for fit in found:
        size = f"{fit.gpu.memory / 1e9:.0f}"
        if fit.processes is None:
            table.add_row(fit.gpu.name, size, "does not fit", "", "")
        else:
            table.add_row(
                fit.gpu.name, size, str(fit.processes), f"{fit.hours:,.2f}", f"{fit.cost:,.2f}"
            )
    _print(table)
    print(
        f"hours at {EXPECTED_MFU:.0%} of the bf16 peak; US dollars at execution.trainer.price, or "
        f"at round prices of {PRICES_OF}. Both are estimates."
    )
    if any(fit.processes is None for fit in found):
        print(f"where it does not fit: {_advice(setup)}")


def _advice(setup: Setup) -> str:
    if not setup.checkpointing:
        return "set execution.trainer.activation_checkpointing=true, or lower maximum_length"
    if setup.zero is not Zero.PARAMETERS:
        return "set execution.trainer.zero=3 and use several GPUs"
    return "lower maximum_length, or train an adapter"


def _show_faults(plan: RunPlan, optimisation: Optimisation) -> None:
    """Say of a run that its guards would refuse."""
    mean = plan.tokens // max(1, plan.steps)
    step_tokens = [plan.largest_step, *[mean] * (plan.steps - 1)] if plan.steps else []
    try:
        check_steps(step_tokens, optimisation)
    except UserError as error:
        print(f"this run would be refused: {error}")


def _print(table: Table) -> None:
    console = Console()
    console.width = max(console.width, 100)
    console.print(table)
