"""``msm pipeline``: compile a recipe for a cluster, run it here, or submit it. Imports no KFP.

``msm`` finds these commands by the entry point ``msm.commands``: the science does not know who
calls it.
"""

import os
from pathlib import Path
from typing import Annotated

import typer

from msm.cli_options import Overrides, Profile, RecipePath

app = typer.Typer(
    help="The experiment as a Kubeflow pipeline.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("compile")
def compile_command(
    recipes: Annotated[list[Path], typer.Argument(metavar="RECIPE...", help="recipe files")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="left out: pipelines/compiled of this checkout"),
    ] = None,
    overrides: Overrides = None,
    profile: Profile = None,
) -> None:
    """Write the pipeline of each recipe, for a cluster, as DIR/NAME.yaml.

    A recipe that is too large for one run comes in parts: DIR/NAME-1-of-5.yaml and so on.
    """
    from msm.recipe_file import load_recipe
    from pipelines.compile import COMPILED, compile_to

    for recipe in recipes:
        for path in compile_to(load_recipe(recipe, overrides or [], profile), out or COMPILED):
            typer.echo(path)


@app.command()
def run(
    recipe: RecipePath,
    local: Annotated[
        bool, typer.Option("--local", help="on this machine; there is no other way yet")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="left out: outputs/pipelines/NAME")
    ] = None,
    overrides: Overrides = None,
    profile: Profile = None,
) -> None:
    """Run a recipe's pipeline on this machine, a process for each task, as KFP does it."""
    from msm.errors import UserError
    from msm.recipe_file import load_recipe
    from pipelines.run_local import run_local

    if not local:
        raise UserError("say where: --local; for a cluster, `msm pipeline submit --host URL`")
    loaded = load_recipe(recipe, overrides or [], profile)
    root = out or Path("outputs") / "pipelines" / loaded.name
    os.environ.setdefault("MLFLOW_TRACKING_URI", f"sqlite:///{Path.cwd() / 'mlflow.db'}")
    for label, folder in run_local(loaded, root).items():
        typer.echo(f"{label}  {folder}")


@app.command()
def submit(
    recipe: RecipePath,
    host: Annotated[str, typer.Option(metavar="URL", help="of the Kubeflow Pipelines API")],
    namespace: Annotated[str, typer.Option(help="of the run, where KFP serves several users")] = "",
    gather: Annotated[
        bool, typer.Option("--gather", help="of a recipe in parts the last one, once all are done")
    ] = False,
    overrides: Overrides = None,
    profile: Profile = None,
) -> None:
    """Compile a recipe, hand it to a cluster's Kubeflow Pipelines, and say where the run shows."""
    from msm.recipe_file import load_recipe
    from pipelines.submit import gather_recipe, submit_recipe

    call = gather_recipe if gather else submit_recipe
    loaded = load_recipe(recipe, overrides or [], profile)
    addresses, waiting = call(loaded, host, namespace)
    for address in addresses:
        typer.echo(address)
    if waiting:
        typer.echo("when these are done, give the same command with --gather: it makes the report")
