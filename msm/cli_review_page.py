"""``msm review``: all that a reviewer needs to decide about a version, on one page."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from msm.cli_options import Overrides, Profile, Root
from msm.cli_review import OfRecipe, Reference


def review(
    reference: Reference,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="default: review-NAME-VERSION.html")
    ] = None,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="write the page, and open no browser")
    ] = False,
    against: Annotated[
        str, typer.Option(metavar="ALIAS", help="whose version it is held against")
    ] = "champion",
    workspace: Root = Path(),
    recipe: OfRecipe = None,
    overrides: Overrides = None,
    profile: Profile = None,
) -> None:
    """Write a version's evidence, gates, differences, blind transcripts and lineage as a page."""
    from msm.registry.reviews import find_reviewed, open_registry
    from msm.registry.server import tracking_uri
    from msm.review.page import write_review
    from msm.review.session import Asked
    from msm.review.view import review_version

    store = f"sqlite:///{workspace.resolve() / 'mlflow.db'}"
    os.environ.setdefault("MLFLOW_TRACKING_URI", store)
    asked = Asked(workspace, recipe, overrides or (), profile)
    with open_registry(tracking_uri()) as registry:
        version = find_reviewed(registry, reference)
        found = review_version(registry, version, asked, against)
    file = out or Path(f"review-{version.model}-{version.version}.html")
    write_review(found, file)
    typer.echo(f"review page  {file}")
    if not no_open and sys.stdout.isatty():
        typer.launch(str(file.resolve()))
