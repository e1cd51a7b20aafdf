"""The commands for a whole experiment, from ``run`` to ``ui``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from msm.cli_options import Overrides, Profile, RecipePath, Replace, Root
from msm.cli_tracking import track_in


def run(
    recipe: RecipePath,
    workspace: Root = Path(),
    overrides: Overrides = None,
    profile: Profile = None,
    replace: Replace = False,
) -> None:
    """Run a whole experiment; finished outputs are kept, cut ones go on."""
    from msm.console import run_and_show
    from msm.recipe_file import load_recipe

    track_in(workspace)
    asked = f"{recipe} --profile {profile}" if profile else f"{recipe}"
    run_and_show(load_recipe(recipe, overrides or [], profile), asked, workspace, replace)


def preflight(
    recipe: RecipePath,
    workspace: Root = Path(),
    overrides: Overrides = None,
    profile: Profile = None,
) -> None:
    """Check what a pipeline needs before it takes a GPU: store, MLflow, models, keys, pools."""
    from msm.preflight import check_recipe, listed
    from msm.recipe_file import load_recipe

    track_in(workspace)
    checks = check_recipe(load_recipe(recipe, overrides or [], profile))
    typer.echo(listed(checks), nl=False)
    checks.require()


def status(
    recipe: RecipePath,
    workspace: Root = Path(),
    overrides: Overrides = None,
    profile: Profile = None,
) -> None:
    """Show what is done, running, outdated and missing."""
    from msm.console import show_status
    from msm.recipe_file import load_recipe

    show_status(load_recipe(recipe, overrides or [], profile), workspace)


def cost(
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT", help="a recipe's name")],
    workspace: Root = Path(),
) -> None:
    """Sum up what the models of an experiment used: requests, tokens, hours, US dollars."""
    from msm.cli_corpus import show_costs

    show_costs(experiment, workspace)


def logs(
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT", help="a recipe's name")],
    workspace: Root = Path(),
) -> None:
    """Bundle an experiment's transcripts with a viewer, which its report links."""
    from msm.evals.bundle import bundle_logs

    outputs = workspace / "outputs" / experiment
    folder, count = bundle_logs(outputs)
    print(f"{count} logs  {folder}")
    print(f"serve with  python -m http.server --bind 127.0.0.1 --directory {outputs}")
    print(f"open        http://127.0.0.1:8000/{folder.name}/")


def ui(
    workspace: Root = Path(),
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to listen on")] = 5000,
) -> None:
    """Open the MLflow UI on this workspace's runs and models."""
    from msm.registry.database import make_database
    from msm.registry.server import QUIET, tracking_uri, ui_command

    track_in(workspace)
    command = ui_command(tracking_uri(), host, port)
    make_database(tracking_uri())
    typer.echo(f"MLflow UI on http://{host}:{port} (Ctrl-C ends it)")
    os.execvpe(command[0], command, {**os.environ, **QUIET})
