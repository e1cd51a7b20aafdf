"""``msm lineage``: what a thing was made of, as a tree, a page, or in a standard's own form."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from msm.errors import UserError

if TYPE_CHECKING:
    from msm.lineage.find import Found

LEAST_WIDTH = 60


def lineage(
    reference: Annotated[
        str,
        typer.Argument(
            metavar="REF",
            help="an output folder, stage/name, an identity, NAME/3, NAME@alias, an MLflow "
            "run, or report:SUITE/ARM/SPEC[/MEASURE]",
        ),
    ],
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", "-w", metavar="DIR", help="outputs lie in DIR/outputs"),
    ] = None,
    store: Annotated[
        str, typer.Option(metavar="URL", help="a store besides, as MSM_STORE names it")
    ] = "",
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="draw it, as a page of its own")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print it as JSON")] = False,
    openlineage: Annotated[
        bool, typer.Option("--openlineage", help="print OpenLineage events, one a line")
    ] = False,
    in_toto: Annotated[
        bool, typer.Option("--in-toto", help="print in-toto statements with SLSA provenance")
    ] = False,
) -> None:
    """Print what something was made of, from spec and eval prompts to the thing itself."""
    if as_json + openlineage + in_toto > 1:
        raise UserError("give one of --json, --openlineage and --in-toto; each goes to the output")
    from msm.lineage.find import find

    found = find(reference, workspace, store)
    if html is not None:
        from msm.lineage.page import write_page

        write_page(found.lineage, found.target, html)
    if as_json:
        from msm.lineage.as_json import lineage_json

        print(json.dumps(lineage_json(found.lineage, found.target), ensure_ascii=False))
    elif openlineage:
        from msm.lineage.open_lineage import event_lines

        for line in event_lines(found.lineage):
            print(line)
    elif in_toto:
        from msm.lineage.in_toto import statement_lines

        for line in statement_lines(found.lineage):
            print(line)
    elif html is not None:
        print(f"lineage page  {html}")
    else:
        _show(found)


def _show(found: Found) -> None:
    """The tree and its sums; a pipe gets one plain line a node, however long."""
    from msm.lineage.tree import drawn, plain, summary

    told = summary(found.lineage, found.target)
    if not sys.stdout.isatty():
        print("\n".join([*told, "", *plain(found.lineage)]))
        return
    from rich.console import Console

    console = Console(highlight=False)
    console.width = max(console.width, LEAST_WIDTH)
    for line in told:
        console.print(line, markup=False, soft_wrap=True)
    for tree in drawn(found.lineage):
        console.print()
        console.print(tree)
