"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RecipePath = Annotated[Path, typer.Argument(metavar="RECIPE", help="recipe file, see recipes/")]
TaskName = Annotated[
    str, typer.Argument(metavar="NAME", help="which output, as `msm status RECIPE` lists them")
]
Root = Annotated[
    Path, typer.Option("--workspace", "-w", metavar="DIR", help="outputs lie in DIR/outputs")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="override a recipe key, such as seeds=[1,2]"),
]
Profile = Annotated[
    str | None,
    typer.Option("--profile", "-p", metavar="NAME", help="a profile of the recipe, such as small"),
]
Replace = Annotated[
    bool, typer.Option("--replace", help="make an output of another identity again, in its place")
]
