"""``msm gate``, ``promote``, ``demote``, ``history`` and ``webhook``: a candidate's way."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from msm.cli_options import Overrides, Profile, Root

if TYPE_CHECKING:
    from msm.review.chain import Chain
    from msm.review.entry import Entry
    from msm.review.verdict import Verdict

RED = 1

webhook_app = typer.Typer(
    help="Put back, by MLflow's webhook, an alias that was set around the gates.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

Reference = Annotated[
    str, typer.Argument(metavar="REF", help="a model version: NAME/3, NAME@champion, models:/…")
]
OfRecipe = Annotated[
    Path | None,
    typer.Option("--recipe", metavar="RECIPE", help="with the gates; found by its name otherwise"),
]
Reason = Annotated[str, typer.Option(help="why; it stands in the log for ever")]
Reviewer = Annotated[
    str, typer.Option(metavar="NAME", help="who acts; default: MLflow's user, else git's")
]
Key = Annotated[
    str, typer.Option("--key", metavar="FILE", help="private key that signs the entry of the log")
]
Trusted = Annotated[
    list[str] | None,
    typer.Option("--trust", metavar="FILE", help="public key that entries may be signed with"),
]


def gate(
    reference: Reference,
    workspace: Root = Path(),
    recipe: OfRecipe = None,
    overrides: Overrides = None,
    profile: Profile = None,
) -> None:
    """Hold the recipe's gates against a version; exits 1 where one is red."""
    from msm.registry.reviews import find_reviewed, open_registry
    from msm.review.gating import gate_version
    from msm.review.session import Asked

    asked = Asked(workspace, recipe, overrides or (), profile)
    with open_registry(_tracked(workspace)) as registry:
        verdict = gate_version(registry, find_reviewed(registry, reference), asked)
    _show_verdict(verdict)
    if not verdict.is_green:
        raise typer.Exit(RED)


def promote(
    reference: Reference,
    alias: Annotated[str, typer.Option("--as", metavar="ALIAS", help="such as champion")],
    reason: Reason,
    override: Annotated[
        bool, typer.Option("--override", help="promote against red gates; visible for ever")
    ] = False,
    reviewer: Reviewer = "",
    key: Key = "",
    workspace: Root = Path(),
    recipe: OfRecipe = None,
    overrides: Overrides = None,
    profile: Profile = None,
) -> None:
    """Point an alias to a version whose gates are green, and set it down in the log."""
    from msm.registry.reviews import find_reviewed, open_registry
    from msm.review.decisions import Person
    from msm.review.entry import Action
    from msm.review.gating import promote_version
    from msm.review.session import Asked, person_name

    asked = Asked(workspace, recipe, overrides or (), profile, key)
    person = Person(person_name(reviewer), reason)
    with open_registry(_tracked(workspace)) as registry:
        version = find_reviewed(registry, reference)
        verdict, entry = promote_version(registry, version, alias, person, override, asked)
    _show_verdict(verdict)
    _show_entry(entry)
    if entry.act.action is Action.LOST:
        typer.echo(f"lost  '{alias}' was moved to version {entry.act.before} meanwhile")
        raise typer.Exit(RED)


def demote(
    reference: Annotated[str, typer.Argument(metavar="NAME@ALIAS", help="such as cheese@champion")],
    reason: Reason,
    reviewer: Reviewer = "",
    key: Key = "",
    workspace: Root = Path(),
    recipe: OfRecipe = None,
    overrides: Overrides = None,
    profile: Profile = None,
) -> None:
    """Take an alias away, and set it down in the log."""
    from msm.errors import UserError
    from msm.registry.reviews import open_registry
    from msm.review.decisions import Person, demote
    from msm.review.session import Asked, person_name, recipe_of_model, signers

    model, at, alias = reference.removeprefix("models:/").rpartition("@")
    if not at or not model or not alias:
        raise UserError(f"{reference} names no alias; write NAME@ALIAS")
    asked = Asked(workspace, recipe, overrides or (), profile, key)
    with open_registry(_tracked(workspace)) as registry:
        if not registry.has_model(model):
            raise UserError(f"no model '{model}' is registered")
        keys = signers(asked, recipe_of_model(asked, registry, model))
        person = Person(person_name(reviewer), reason)
        entry = demote(registry, model, alias, person, keys)
    _show_entry(entry)


def history(
    model: Annotated[str, typer.Argument(metavar="[MODEL]", help="all if left out")] = "",
    trusted: Trusted = None,
    workspace: Root = Path(),
    recipe: OfRecipe = None,
) -> None:
    """Show the log of promotions and check its chain; exits 1 where it is broken."""
    from msm.errors import UserError
    from msm.registry.review_log import logged_models
    from msm.registry.reviews import open_registry
    from msm.review.chain import open_chain
    from msm.review.session import Asked, recipe_of_model, trusted_keys

    asked = Asked(workspace, recipe, trusted=trusted or ())
    broken = False
    with open_registry(_tracked(workspace)) as registry:
        models = (model,) if model else logged_models(registry)
        if model and not registry.has_model(model) and model not in logged_models(registry):
            raise UserError(f"no model '{model}' is registered, and none of that name has a log")
        for name in models:
            found = recipe_of_model(asked, registry, name)
            keys = trusted_keys(asked, found)
            chain = open_chain(registry, name, keys)
            _show_chain(chain, bool(keys))
            broken = broken or bool(chain.faults)
    if broken:
        raise typer.Exit(RED)


@webhook_app.command("add")
def add_webhook(
    url: Annotated[str, typer.Argument(metavar="URL", help="where the receiver listens, https")],
) -> None:
    """Have an MLflow server tell the receiver of every alias; the secret: MSM_WEBHOOK_SECRET."""
    from msm.registry.reviews import open_registry
    from msm.registry.server import tracking_uri
    from msm.registry.webhooks import ensure_webhook

    with open_registry(tracking_uri()) as registry:
        typer.echo(f"webhook {ensure_webhook(registry, url, _secret())}  {url}")


@webhook_app.command()
def serve(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to listen on")] = 5055,
    guard: Annotated[
        list[str] | None,
        typer.Option(metavar="ALIAS", help="watched before its first promotion too; again"),
    ] = None,
    sweep: Annotated[
        float, typer.Option(metavar="SECONDS", min=1.0, help="between two looks at all models")
    ] = 60.0,
    key: Key = "",
    trusted: Trusted = None,
    tls_certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="certificate to serve https with")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="its private key")] = None,
    workspace: Root = Path(),
) -> None:
    """Receive deliveries, and put back aliases that were set around the gates."""
    from msm.errors import UserError
    from msm.review.session import Asked, signers
    from msm.review.webhook import Guard, Receiver

    if (tls_certificate is None) != (tls_key is None):
        raise UserError("https takes both --tls-certificate and --tls-key")
    keys = signers(Asked(workspace, key=key, trusted=trusted or ()), None)
    watch = Guard(_tracked(workspace), frozenset(guard or ["champion"]), keys)
    pair = (tls_certificate, tls_key) if tls_certificate and tls_key else None
    receiver = Receiver(watch, _secret(), host, port, pair)
    scheme = "https" if pair else "http"
    typer.echo(f"webhook receiver on {scheme}://{host}:{receiver.port} (Ctrl-C ends it)")
    receiver.serve(sweep)


def _secret() -> str:
    import os

    from msm.review.webhook import SECRET_VARIABLE

    return os.environ.get(SECRET_VARIABLE, "")


def _tracked(workspace: Path) -> str:
    import os

    from msm.registry.server import tracking_uri

    os.environ.setdefault("MLFLOW_TRACKING_URI", f"sqlite:///{workspace.resolve() / 'mlflow.db'}")
    return tracking_uri()


def _show_verdict(verdict: Verdict) -> None:
    width = max(len(result.gate) for result in verdict.results)
    for result in verdict.results:
        mark = "green" if result.green else "RED  "
        typer.echo(f"{mark}  {result.gate:<{width}}  {result.found}  ({result.asked})")
    typer.echo(
        f"{verdict.word}  {verdict.model}/{verdict.version}  identity {verdict.identity[:12]}  "
        f"verdict {verdict.content_digest[:12]}"
    )


def _show_chain(chain: Chain, verified: bool) -> None:
    for entry in chain.entries:
        _show_entry(entry)
    for fault in chain.faults:
        typer.echo(f"broken  {fault}")
    signed = "signatures verified" if verified else "signatures not verified: no key was given"
    state = "broken" if chain.faults else "whole"
    typer.echo(f"{chain.model}  {len(chain.entries)} entries  chain {state}  {signed}")


def _show_entry(entry: Entry) -> None:
    act = entry.act
    version = f"/{act.version}" if act.version else ""
    before = f"  before: {act.before}" if act.before else ""
    red = "  OVERRIDDEN" if act.overridden else ""
    signed = f"  key {entry.key[:12]}" if entry.key else "  unsigned"
    typer.echo(
        f"{entry.sequence:>4}  {act.time}  {act.action.value:<8}  {act.model}{version} as "
        f"{act.alias}{before}  by {act.actor}: {act.reason}{red}{signed}  {entry.hash[:12]}"
    )
