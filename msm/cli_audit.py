"""``msm audit``: every byte behind a result, and whether DVC, MLflow and the records agree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from msm.lineage.findings import Verdict

RED = 1
SHOWN = 40  # findings, and things not checked, of each kind that are printed


def audit_command(
    reference: Annotated[
        str,
        typer.Argument(
            metavar="REF",
            help="an output folder, identity, NAME/3, NAME@alias, run id, "
            "report:SUITE/ARM/SPEC, or registry",
        ),
    ],
    workspace: Annotated[
        Path | None, typer.Option("--workspace", "-w", help="whose outputs are looked at")
    ] = None,
    deep: Annotated[
        bool,
        typer.Option("--deep", help="also read the store, DVC's cache, and MLflow's artifacts"),
    ] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="write the verdict; - prints it")
    ] = None,
    pipeline: Annotated[
        Path | None,
        typer.Option("--pipeline", help="a folder of KFP's executor outputs to compare with"),
    ] = None,
    public_key: Annotated[
        Path | None,
        typer.Option(
            "--public-key", help="of the signatures of outputs, or of the log of promotions"
        ),
    ] = None,
) -> None:
    """Re-hash all that a result was made of, and see whether every system tells the same.

    Exit code 0: nothing was found. 1: something differs, and the first stage that can no longer be
    trusted is named. What could not be looked at is listed as not checked.
    """
    from msm.lineage.audit import Asked, audit
    from msm.lineage.audit_registry import audit_registry
    from msm.lineage.reference import REGISTRY
    from msm.progress import shown_on_terminal
    from msm.signing.keys import read_public_key
    from msm.signing.settings import Signing

    asked = Asked(deep, pipeline, Signing(public_key=str(public_key or "")))
    with shown_on_terminal():
        if reference == REGISTRY:
            trusted = [read_public_key(str(public_key))] if public_key else []
            verdict = audit_registry(trusted)
        else:
            verdict = audit(reference, workspace, asked)
    _tell(verdict, json_file)
    if not verdict.is_sound:
        raise typer.Exit(RED)


def _tell(verdict: Verdict, json_file: Path | None) -> None:
    if json_file is not None and str(json_file) == "-":
        typer.echo(verdict.to_json(), nl=False)
        return
    if json_file is not None:
        json_file.write_text(verdict.to_json(), encoding="utf-8")
    for line in lines(verdict):
        typer.echo(line)


def lines(verdict: Verdict) -> Iterator[str]:
    """The verdict as a person reads it."""
    from msm.lineage.findings import Check

    checks = {
        *verdict.checked,
        *(item.check for item in verdict.findings),
        *(item.check for item in verdict.not_checked),
    }
    yield f"{'check':18} {'looked at':>9}  {'found':>5}  {'not checked':>11}"
    for check in sorted(checks, key=list(Check).index):
        found = sum(item.check is check for item in verdict.findings)
        unsaid = sum(item.check is check for item in verdict.not_checked)
        yield f"{check:18} {verdict.checked.get(check, 0):9,}  {found:5}  {unsaid:11}"
    yield ""
    for finding in verdict.findings[:SHOWN]:
        yield f"{finding.severity.upper()}  {finding.file}: {finding.message} [{finding.check}]"
    if len(verdict.findings) > SHOWN:
        yield f"… and {len(verdict.findings) - SHOWN} more; --json FILE has them all"
    for item in verdict.not_checked[:SHOWN]:
        yield f"not checked  {item.check}, {item.what}: {item.why}"
    if len(verdict.not_checked) > SHOWN:
        yield f"… and {len(verdict.not_checked) - SHOWN} more not checked"
    speed = f"{verdict.read / 1e6:,.1f} MB in {verdict.seconds:.1f} s"
    if verdict.first:
        yield f"first stage no longer to be trusted: {verdict.first}"
        yield f"not to be trusted, {len(verdict.untrusted)}: {', '.join(verdict.untrusted)}"
    yield f"{verdict.reference}: {'sound' if verdict.is_sound else 'NOT SOUND'}  ({speed})"
