"""``msm sign`` and ``msm verify``: signatures of outputs and files, in OpenSSF's format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from msm.signing.settings import Signing

BROKEN = 1

KeyFile = Annotated[
    str, typer.Option("--key", metavar="FILE", help="EC key in PEM: private to sign, else public")
]
Chain = Annotated[
    list[str] | None,
    typer.Option("--chain", metavar="FILE", help="certificate up to the trusted root; again"),
]
Identity = Annotated[
    str, typer.Option(metavar="ADDRESS", help="keyless: who signs, or is to have signed")
]
Issuer = Annotated[str, typer.Option(metavar="URL", help="keyless: the identity's OpenID issuer")]


def sign(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="an output folder, or a file")],
    key: KeyFile = "",
    certificate: Annotated[
        str, typer.Option(metavar="FILE", help="signing certificate of the key, in PEM")
    ] = "",
    chain: Chain = None,
    keyless: Annotated[
        bool, typer.Option("--keyless", help="by Sigstore, with this job's own identity; network")
    ] = False,
    identity: Identity = "",
    issuer: Issuer = "",
) -> None:
    """Sign a folder (msm.sig in it) or a file (FILE.sig); password: MSM_SIGNING_PASSWORD."""
    from msm.signing.signature import sign_path

    settings = _settings(
        key=key,
        certificate=certificate,
        chain=tuple(chain or ()),
        keyless=keyless,
        identity=identity,
        issuer=issuer,
    )
    typer.echo(f"signed  {sign_path(path, settings)}")


def verify(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="an output folder, or a file")],
    key: KeyFile = "",
    chain: Chain = None,
    identity: Identity = "",
    issuer: Issuer = "",
) -> None:
    """Compare a folder or file with its signature; exits 1 where it does not hold."""
    from msm.signing.signature import SignatureError, verify_path

    keyless = bool(identity or issuer)
    given = {"identity": identity, "issuer": issuer, "keyless": keyless}
    settings = _settings(public_key=key, chain=tuple(chain or ()), **given)
    try:
        verify_path(path, settings)
    except SignatureError as error:
        typer.echo(f"broken  {error}")
        raise typer.Exit(BROKEN) from None
    typer.echo(f"holds  {path}")


def _settings(**given: object) -> Signing:
    from pydantic import ValidationError

    from msm.errors import UserError
    from msm.signing.settings import Signing

    try:
        return Signing.model_validate(given)
    except ValidationError as error:
        raise UserError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
