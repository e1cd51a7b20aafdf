"""``msm adopt``: a cluster's run as outputs of this repository, without fetching it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from msm.cli_options import Overrides, Profile, Root
from msm.errors import UserError

if TYPE_CHECKING:
    from msm.lineage.adopt import Adoption
    from msm.store import Store

STORE = "store"  # what a pipeline that ran on one machine calls its store


def adopt(
    run: Annotated[
        str,
        typer.Argument(
            metavar="[RUN]",
            help="a store (s3://bucket/prefix or a folder), the folder of a local pipeline, a "
            "report's identity, a model version or an MLflow run; left out, what MSM_STORE names",
        ),
    ] = "",
    recipe: Annotated[
        Path, typer.Option(metavar="RECIPE", help="what was run; a dvc.yaml has its stages")
    ] = Path("recipes/cheese.yaml"),
    workspace: Root = Path(),
    overrides: Overrides = None,
    profile: Profile = None,
    remote: Annotated[
        str, typer.Option(metavar="NAME", help="the DVC remote that is given the files")
    ] = "",
) -> None:
    """Write dvc.lock for a run that lies in a store; fetches nothing."""
    from msm.lineage.adopt import adopt as adopt_run
    from msm.progress import shown_on_terminal
    from msm.recipe_file import load_recipe

    loaded = load_recipe(recipe, overrides or [], profile)
    store, top = _find(run, workspace, loaded.execution.store)
    with shown_on_terminal():
        _tell(adopt_run(loaded, workspace, store, top, remote))


def _find(run: str, workspace: Path, named: str) -> tuple[Store, str]:
    """The store of a run, and the identity to begin at, "" if the recipe is to say."""
    from msm.execution import Execution
    from msm.identity import RECORD
    from msm.store import SCHEME, STORE_VARIABLE, named_store

    folder = Path(run)
    is_store = run.startswith(SCHEME) or (
        bool(run) and folder.is_dir() and not (folder / RECORD).exists()
    )
    if is_store and (folder / STORE).is_dir():
        run = str(folder / STORE)
    address = run if is_store else named or os.environ.get(STORE_VARIABLE, "")
    store = named_store(Execution(store=address))
    if store is None:
        raise UserError(f"where does the run lie? name its store, or set {STORE_VARIABLE}")
    if is_store or not run:
        return store, ""
    from msm.lineage.index import open_index
    from msm.lineage.reference import parse_reference, resolve

    target = resolve(parse_reference(run), open_index(workspace, address, folder))
    return store, target.report or target.identity


def _tell(done: Adoption) -> None:
    for label, reason in done.missing.items():
        typer.echo(f"not adopted  {label}: {reason}")
    for path in done.written.waiting:
        typer.echo(f"not adopted  {path}: DVC's stage reads or makes others that were not found")
    brought = done.brought
    typer.echo(f"{len(done.written.recorded)} outputs stand in dvc.lock; no file was fetched")
    if brought.lacking:
        typer.echo(
            f"DVC's remote lacks {brought.lacking} of their files ({brought.why}); with MSM_STORE "
            "set, `dvc repro` takes them from the store"
        )
    else:
        typer.echo(f"DVC's remote has their files, {brought.given} of them new: `dvc pull`")
    typer.echo("keep it with  git add '*dvc.lock' && git commit")
