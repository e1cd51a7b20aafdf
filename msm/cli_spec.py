"""The commands about specs themselves: ``msm spec lint``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

FINDINGS = 1

spec_app = typer.Typer(
    help="Check specs before an experiment spends time on them.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@spec_app.callback()
def _group() -> None:
    """Keep ``lint`` a command of its own, also while it is the only one."""


@spec_app.command()
def lint(
    specs: Annotated[list[Path], typer.Argument(metavar="SPEC...", help="spec files, see specs/")],
) -> None:
    """Name what would weaken a spec, a line each; exits 1 when there is anything to name."""
    from msm.spec_lint import lint_spec

    count = 0
    for path in specs:
        for finding in lint_spec(path):
            typer.echo(f"{path}:{finding.line}: {finding.rule}: {finding.message}")
            count += 1
    if count:
        raise typer.Exit(FINDINGS)
    typer.echo(f"{len(specs)} spec{'' if len(specs) == 1 else 's'}, no findings")
