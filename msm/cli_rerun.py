"""``msm rerun``: make something again from its lineage, elsewhere, and compare."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from msm.cli_options import Overrides
from msm.errors import UserError, nearest

if TYPE_CHECKING:
    from msm.lineage.rerun_plan import Step

VERDICT = "verdict.json"


def rerun(
    reference: Annotated[
        str, typer.Argument(metavar="REF", help="as for msm lineage: what is to be made again")
    ],
    first: Annotated[
        str, typer.Option("--from", metavar="STAGE", help="take the outputs of earlier stages")
    ] = "",
    into: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="where; rerun/<identity> if left out. Again: it goes on"),
    ] = None,
    environment: Annotated[
        str,
        typer.Option(help="auto: this one if it is as that commit's lock file says; current; new"),
    ] = "auto",
    repository: Annotated[
        Path | None, typer.Option(metavar="DIR", help="the git repository that has the commit")
    ] = None,
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", "-w", metavar="DIR", help="outputs lie in DIR/outputs"),
    ] = None,
    store: Annotated[
        str, typer.Option(metavar="URL", help="a store besides, as MSM_STORE names it")
    ] = "",
    overrides: Overrides = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the verdict as JSON")] = False,
) -> None:
    """Make it again from its commit, data and recipe; exit code 1 if it came out otherwise."""
    from msm.lineage.find import find
    from msm.lineage.graph import SHORT
    from msm.lineage.rerun import Asked, table
    from msm.lineage.rerun import rerun as make_again
    from msm.lineage.rerun_world import Environment
    from msm.origin import SOURCE
    from msm.task import Stage

    if first and first not in set(Stage):
        raise UserError(f"there is no stage '{first}'{nearest(first, list(Stage))}")
    if environment not in set(Environment):
        raise UserError(f"--environment {environment}{nearest(environment, list(Environment))}")
    found = find(reference, workspace, store)
    asked = Asked(
        into=into or Path("rerun") / found.target.identity[:SHORT],
        first=Stage(first) if first else None,
        environment=Environment(environment),
        repository=repository or SOURCE,
        overrides=overrides or (),
    )
    verdict = make_again(found, asked, _silent if as_json else _tell)
    text = json.dumps(verdict.to_json(), indent=1, ensure_ascii=False)
    (asked.into / VERDICT).write_text(text + "\n", encoding="utf-8")
    if as_json:
        print(text)
    else:
        for line in table(verdict):
            print(line)
    if not verdict.green:
        raise typer.Exit(1)


def _tell(step: Step) -> None:
    print(f"made  {step.label}", flush=True)


def _silent(step: Step) -> None:
    """Say nothing: what is printed is to be the verdict alone."""
