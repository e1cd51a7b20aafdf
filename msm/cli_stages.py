"""The commands of the stages: each makes one output of a recipe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from msm.cli_options import Overrides, Profile, RecipePath, Replace, Root, TaskName
from msm.cli_tracking import track_in
from msm.errors import UserError

if TYPE_CHECKING:
    from msm.record import Record


def _run_stage(
    stage: str,
    recipe: Path,
    name: str,
    workspace: Path,
    overrides: list[str] | None,
    profile: str | None,
    replace: bool,
) -> None:
    from msm.experiment import find_task
    from msm.progress import shown_on_terminal
    from msm.recipe_file import load_recipe
    from msm.task import Stage
    from msm.workspace import Workspace

    loaded = load_recipe(recipe, overrides or [], profile)
    task = find_task(loaded, Stage(stage), name)
    track_in(workspace)
    with shown_on_terminal():
        record, worked = Workspace(workspace, loaded).run(task, replace)
    _tell(task.label, record, worked)


def _tell(label: str, record: Record, worked: bool) -> None:
    done = f"done in {record.seconds:.1f} s" if worked else "nothing to do"
    typer.echo(f"{label}  {record.identity[:12]}  {done}")


def plan(
    recipe: RecipePath,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="which output; with --preview, all if left out"),
    ] = None,
    workspace: Root = Path(),
    overrides: Overrides = None,
    profile: Profile = None,
    replace: Replace = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="print documents, tokens, requests and cost, and stop")
    ] = False,
) -> None:
    """Plan one row for each document to be written."""
    if preview:
        from msm.cli_corpus import show_preview
        from msm.recipe_file import load_recipe

        show_preview(load_recipe(recipe, overrides or [], profile), name)
        return
    if name is None:
        raise UserError(f"which plan? `msm status {recipe}` lists the names; or give --preview")
    _run_stage("plan", recipe, name, workspace, overrides, profile, replace)


def _stage_command(stage: str, help_text: str) -> Callable[..., None]:
    def command(
        recipe: RecipePath,
        name: TaskName,
        workspace: Root = Path(),
        overrides: Overrides = None,
        profile: Profile = None,
        replace: Replace = False,
    ) -> None:
        _run_stage(stage, recipe, name, workspace, overrides, profile, replace)

    command.__doc__ = help_text
    return command


write = _stage_command("write", "Write one document for each planned row.")
curate = _stage_command("curate", "Filter, deduplicate and decontaminate documents.")
demonstrate = _stage_command("demonstrate", "Make a set of chats for fine-tuning.")


def train(
    recipe: RecipePath,
    name: TaskName,
    workspace: Root = Path(),
    overrides: Overrides = None,
    profile: Profile = None,
    replace: Replace = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="print steps, memory, hours and cost, and stop")
    ] = False,
    trainjob: Annotated[
        bool, typer.Option("--trainjob", help="print it as a job for Kubeflow Trainer, and stop")
    ] = False,
) -> None:
    """Train one phase: documents or chats. Also under torchrun, in many processes."""
    from msm.cli_train import show_plan, show_trainjob
    from msm.experiment import find_task
    from msm.recipe_file import load_recipe
    from msm.task import Stage
    from msm.training.ranks import run_on_all
    from msm.workspace import Workspace

    loaded = load_recipe(recipe, overrides or [], profile)
    if trainjob:
        show_trainjob(loaded, name, recipe, overrides or [], profile)
    elif dry_run:
        show_plan(loaded, name, workspace)
    else:
        task = find_task(loaded, Stage.TRAIN, name)
        track_in(workspace)
        made = run_on_all(Workspace(workspace, loaded), task, replace)
        if made is not None:
            _tell(task.label, *made)


def train_ordered_command(
    identity: Annotated[str, typer.Argument(help="of what a pipeline's train task ordered")],
    store: Annotated[str, typer.Option(metavar="URL", help="where the order lies")],
    workspace: Root = Path(),
) -> None:
    """Carry out a training that a pipeline ordered, on the nodes of its TrainJob."""
    from msm.training.order import train_ordered

    track_in(workspace)
    made = train_ordered(identity, store, workspace)
    if made is not None:
        _tell(*made)


def evaluate(
    recipe: RecipePath,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="which output; not with --plan")
    ] = None,
    workspace: Root = Path(),
    overrides: Overrides = None,
    profile: Profile = None,
    replace: Replace = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="print which differences could be shown, and stop")
    ] = False,
    baseline: Annotated[
        float, typer.Option(metavar="RATE", help="with --plan: one arm's agentic rate")
    ] = 0.3,
    difference: Annotated[
        list[float] | None,
        typer.Option(metavar="D", help="with --plan: a difference of rates; again for more"),
    ] = None,
    cell_sd: Annotated[
        list[float] | None,
        typer.Option(metavar="SD", help="with --plan: its spread over cells; again for more"),
    ] = None,
    pair_sd: Annotated[
        float, typer.Option(metavar="NATS", help="with --plan: spread over word pairs")
    ] = 0.4,  # of the gaps between two specs in the three-seed study: 0.37 to 0.49
) -> None:
    """Measure a checkpoint: held-out word pairs, or one of the recipe's suites."""
    if plan:
        from msm.cli_evaluate import show_plan
        from msm.recipe_file import load_recipe

        differences, spreads = difference or [0.02, 0.05, 0.1, 0.2], cell_sd or [0.0, 0.05, 0.1]
        loaded = load_recipe(recipe, overrides or [], profile)
        show_plan(loaded, baseline, differences, spreads, pair_sd)
        return
    if name is None:
        raise UserError(f"which output? `msm status {recipe}` lists the names; or give --plan")
    _run_stage("evaluate", recipe, name, workspace, overrides, profile, replace)


report = _stage_command("report", "Compare the arms: tables, forest plot, one HTML page.")
register = _stage_command("register", "Log runs to MLflow and register a candidate.")
