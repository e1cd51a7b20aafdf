"""The commands about one model: ``judge-check`` and ``export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from msm.cli_options import Overrides, Profile, Root


def judge_check(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="an Inspect model, openai-api/local/qwen3-32b")
    ],
    workspace: Root = Path(),
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="as base_url=http://host:8000/v1"),
    ] = None,
) -> None:
    """Measure a judge on answers that people have labelled: agreement, kappa, parse rate."""
    from msm.cli_judge import check_and_show

    check_and_show(model, settings or [], workspace)


def export(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="an output of train, or its step-… folder")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="a folder that is not there yet")],
    merged: Annotated[
        bool, typer.Option("--merged/--adapter", help="a whole model, or the adapter alone")
    ] = True,
    fp32: Annotated[
        bool, typer.Option("--fp32/--bf16", help="number format of a whole model")
    ] = False,
    recipe: Annotated[
        Path | None,
        typer.Option(metavar="RECIPE", help="names the start model; needed for a step-… folder"),
    ] = None,
    output: Annotated[
        str, typer.Option(metavar="NAME", help="which output a moved step-… folder belongs to")
    ] = "",
    student: Annotated[
        Path | None, typer.Option(metavar="DIR", help="the start model, if it was moved")
    ] = None,
    base_model: Annotated[
        str, typer.Option(metavar="ID", help="how users call the start model, as org/name")
    ] = "",
    base_revision: Annotated[str, typer.Option(metavar="COMMIT", help="its commit")] = "",
    licence: Annotated[str, typer.Option(metavar="ID", help="its licence, as apache-2.0")] = "",
    workspace: Root = Path(),
    overrides: Overrides = None,
    profile: Profile = None,
) -> None:
    """Write a trained adapter or a whole, merged model for others to load, with its card."""
    from msm.cli_export import Asked, export_and_show
    from msm.training.export import Base, Form
    from msm.training_settings import Precision

    asked = Asked(
        form=Form.MERGED if merged else Form.ADAPTER,
        precision=Precision.FP32 if fp32 else Precision.BF16,
        recipe=recipe,
        overrides=overrides or (),
        profile=profile,
        output=output,
        student=student,
        base=Base(base_model, base_revision, licence),
    )
    export_and_show(checkpoint, out, workspace, asked)
