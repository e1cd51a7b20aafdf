"""The commands about specs themselves: ``msm spec lint`` and ``msm spec shuffle``."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

FINDINGS = 1

spec_app = typer.Typer(
    help="Check specs, and make their controls, before an experiment spends time on them.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


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


@spec_app.command()
def shuffle(
    spec: Annotated[Path, typer.Argument(metavar="SPEC", help="a value spec, see specs/")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="write here, not to the screen")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="default: that of a recipe which calls the control NAME-shuffled"),
    ] = None,
) -> None:
    """Print the shuffled control: the same value and items, which the value no longer explains."""
    from msm.any_spec import read_any_spec
    from msm.errors import UserError
    from msm.spec import Spec, shuffle_attribution, shuffle_seed

    parsed = read_any_spec(spec)
    if not isinstance(parsed, Spec):
        raise UserError(f"spec {spec} is one of principles; only a value spec has items to shuffle")
    used = shuffle_seed(f"{spec.stem}-shuffled") if seed is None else seed
    text = shuffle_attribution(parsed, used).text
    if out is None:
        typer.echo(text, nl=False)
        return
    partial = out.with_name(f".{out.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(out)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise UserError(f"{out} cannot be written: {error.strerror}") from None
