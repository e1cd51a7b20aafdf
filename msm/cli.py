"""The command line: one command per stage, and ``run``, ``status`` and ``ui``."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from msm import __version__
from msm.cli_adopt import adopt
from msm.cli_audit import audit_command
from msm.cli_lineage import lineage
from msm.cli_options import Overrides, Profile, RecipePath, Replace, Root, TaskName
from msm.cli_rerun import rerun
from msm.cli_review import demote, gate, history, promote, webhook_app
from msm.cli_review_page import review
from msm.cli_sign import sign, verify
from msm.cli_spec import spec_app
from msm.errors import Interrupted, UserError

if TYPE_CHECKING:
    from msm.record import Record

USER_ERROR = 2

app = typer.Typer(
    help="Model Spec Midtraining: from a spec in Markdown to a compared, registered model.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(spec_app, name="spec")
for _command in entry_points(group="msm.commands"):  # such as `msm pipeline`
    app.add_typer(_command.load(), name=_command.name)


def _run_stage(
    stage: str,
    recipe: Path,
    name: str,
    workspace: Path,
    overrides: list[str] | None,
    profile: str | None,
    replace: bool,
) -> None:
    from msm.experiment import find_task
    from msm.progress import shown_on_terminal
    from msm.recipe_file import load_recipe
    from msm.task import Stage
    from msm.workspace import Workspace

    loaded = load_recipe(recipe, overrides or [], profile)
    task = find_task(loaded, Stage(stage), name)
    _track_in(workspace)
    with shown_on_terminal():
        record, worked = Workspace(workspace, loaded).run(task, replace)
    _tell(task.label, record, worked)


def _tell(label: str, record: Record, worked: bool) -> None:
    done = f"done in {record.seconds:.1f} s" if worked else "nothing to do"
    typer.echo(f"{label}  {record.identity[:12]}  {done}")


@app.command()
def plan(
    recipe: RecipePath,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="which output; with --preview, all if left out"),
    ] = None,
    workspace: Root = Path(),
    overrides: Overrides = None,
    profile: Profile = None,
    replace: Replace = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="print documents, tokens, requests and cost, and stop")
    ] = False,
) -> None:
    """Plan one row for each document to be written."""
    if preview:
        from msm.cli_corpus import show_preview
        from msm.recipe_file import load_recipe

        show_preview(load_recipe(recipe, overrides or [], profile), name)
        return
    if name is None:
        raise UserError(f"which plan? `msm status {recipe}` lists the names; or give --preview")
    _run_stage("plan", recipe, name, workspace, overrides, profile, replace)


def _stage_command(stage: str, help_text: str) -> None:
    def command(
        recipe: RecipePath,
        name: TaskName,
        workspace: Root = Path(),
        overrides: Overrides = None,
        profile: Profile = None,
        replace: Replace = False,
    ) -> None:
        _run_stage(stage, recipe, name, workspace, overrides, profile, replace)

    command.__doc__ = help_text
    app.command(stage)(command)


for _stage, _help in (
    ("write", "Write one document for each planned row."),
    ("curate", "Filter, deduplicate and decontaminate documents."),
    ("demonstrate", "Make a set of chats for fine-tuning."),
):
    _stage_command(_stage, _help)


@app.command()
def train(
    recipe: RecipePath,
    name: TaskName,
    workspace: Root = Path(),
    overrides: Overrides = None,
    profile: Profile = None,
    replace: Replace = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="print steps, memory, hours and cost, and stop")
    ] = False,
    trainjob: Annotated[
        bool, typer.Option("--trainjob", help="print it as a job for Kubeflow Trainer, and stop")
    ] = False,
) -> None:
    """Train one phase: documents or chats. Also under torchrun, in many processes."""
    from msm.cli_train import show_plan, show_trainjob
    from msm.experiment import find_task
    from msm.recipe_file import load_recipe
    from msm.task import Stage
    from msm.training.ranks import run_on_all
    from msm.workspace import Workspace

    loaded = load_recipe(recipe, overrides or [], profile)
    if trainjob:
        show_trainjob(loaded, name, recipe, overrides or [], profile)
    elif dry_run:
        show_plan(loaded, name, workspace)
    else:
        task = find_task(loaded, Stage.TRAIN, name)
        _track_in(workspace)
        made = run_on_all(Workspace(workspace, loaded), task, replace)
        if made is not None:
            _tell(task.label, *made)


@app.command("train-ordered", hidden=True)
def train_ordered_command(
    identity: Annotated[str, typer.Argument(help="of what a pipeline's train task ordered")],
    store: Annotated[str, typer.Option(metavar="URL", help="where the order lies")],
    workspace: Root = Path(),
) -> None:
    """Carry out a training that a pipeline ordered, on the nodes of its TrainJob."""
    from msm.training.order import train_ordered

    _track_in(workspace)
    made = train_ordered(identity, store, workspace)
    if made is not None:
        _tell(*made)


@app.command()
def evaluate(
    recipe: RecipePath,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="which output; not with --plan")
    ] = None,
    workspace: Root = Path(),
    overrides: Overrides = None,
    profile: Profile = None,
    replace: Replace = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="print which differences could be shown, and stop")
    ] = False,
    baseline: Annotated[
        float, typer.Option(metavar="RATE", help="with --plan: one arm's agentic rate")
    ] = 0.3,
    difference: Annotated[
        list[float] | None,
        typer.Option(metavar="D", help="with --plan: a difference of rates; again for more"),
    ] = None,
    cell_sd: Annotated[
        list[float] | None,
        typer.Option(metavar="SD", help="with --plan: its spread over cells; again for more"),
    ] = None,
    pair_sd: Annotated[
        float, typer.Option(metavar="NATS", help="with --plan: spread over word pairs")
    ] = 0.4,  # of the gaps between two specs in the three-seed study: 0.37 to 0.49
) -> None:
    """Measure a checkpoint: held-out word pairs, or one of the recipe's suites."""
    if plan:
        from msm.cli_evaluate import show_plan
        from msm.recipe_file import load_recipe

        differences, spreads = difference or [0.02, 0.05, 0.1, 0.2], cell_sd or [0.0, 0.05, 0.1]
        loaded = load_recipe(recipe, overrides or [], profile)
        show_plan(loaded, baseline, differences, spreads, pair_sd)
        return
    if name is None:
        raise UserError(f"which output? `msm status {recipe}` lists the names; or give --plan")
    _run_stage("evaluate", recipe, name, workspace, overrides, profile, replace)


_stage_command("report", "Compare the arms: tables, forest plot, one HTML page.")
_stage_command("register", "Log runs to MLflow and register a candidate.")


@app.command()
def run(
    recipe: RecipePath,
    workspace: Root = Path(),
    overrides: Overrides = None,
    profile: Profile = None,
    replace: Replace = False,
) -> None:
    """Run a whole experiment; finished outputs are kept, cut ones go on."""
    from msm.console import run_and_show
    from msm.recipe_file import load_recipe

    _track_in(workspace)
    asked = f"{recipe} --profile {profile}" if profile else f"{recipe}"
    run_and_show(load_recipe(recipe, overrides or [], profile), asked, workspace, replace)


@app.command()
def preflight(
    recipe: RecipePath,
    workspace: Root = Path(),
    overrides: Overrides = None,
    profile: Profile = None,
) -> None:
    """Check what a pipeline needs before it takes a GPU: store, MLflow, models, keys, pools."""
    from msm.preflight import check_recipe, listed
    from msm.recipe_file import load_recipe

    _track_in(workspace)
    checks = check_recipe(load_recipe(recipe, overrides or [], profile))
    typer.echo(listed(checks), nl=False)
    checks.require()


@app.command()
def status(
    recipe: RecipePath,
    workspace: Root = Path(),
    overrides: Overrides = None,
    profile: Profile = None,
) -> None:
    """Show what is done, running, outdated and missing."""
    from msm.console import show_status
    from msm.recipe_file import load_recipe

    show_status(load_recipe(recipe, overrides or [], profile), workspace)


@app.command()
def cost(
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT", help="a recipe's name")],
    workspace: Root = Path(),
) -> None:
    """Sum up what the models of an experiment used: requests, tokens, hours, US dollars."""
    from msm.cli_corpus import show_costs

    show_costs(experiment, workspace)


@app.command()
def logs(
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT", help="a recipe's name")],
    workspace: Root = Path(),
) -> None:
    """Bundle an experiment's transcripts with a viewer, which its report links."""
    from msm.evals.bundle import bundle_logs

    outputs = workspace / "outputs" / experiment
    folder, count = bundle_logs(outputs)
    print(f"{count} logs  {folder}")
    print(f"serve with  python -m http.server --bind 127.0.0.1 --directory {outputs}")
    print(f"open        http://127.0.0.1:8000/{folder.name}/")


@app.command("judge-check")
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


@app.command("export")
def export_command(
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


for _plain_command in (gate, promote, demote, history, review, sign, verify):
    app.command()(_plain_command)
app.add_typer(webhook_app, name="webhook")


@app.command()
def ui(
    workspace: Root = Path(),
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to listen on")] = 5000,
) -> None:
    """Open the MLflow UI on this workspace's runs and models."""
    from msm.registry.database import make_database
    from msm.registry.server import QUIET, tracking_uri, ui_command

    _track_in(workspace)
    command = ui_command(tracking_uri(), host, port)
    make_database(tracking_uri())
    typer.echo(f"MLflow UI on http://{host}:{port} (Ctrl-C ends it)")
    os.execvpe(command[0], command, {**os.environ, **QUIET})


def _track_in(workspace: Path) -> None:
    """Keep MLflow's file in the workspace, unless MLFLOW_TRACKING_URI names another place."""
    os.environ.setdefault("MLFLOW_TRACKING_URI", f"sqlite:///{workspace.resolve() / 'mlflow.db'}")


app.command("audit")(audit_command)
app.command("lineage")(lineage)
app.command("adopt")(adopt)
app.command("rerun")(rerun)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="print the version")] = False,
) -> None:
    if version:
        typer.echo(f"msm {__version__}")
        raise typer.Exit


def main(arguments: list[str] | None = None) -> None:
    """Entry point: a user's error is one line on standard error and exit code 2."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TQDM_DISABLE", "1")  # stages show their progress themselves
    sys.exit(_guarded(lambda: app(arguments, standalone_mode=True)))


def _guarded(call: Callable[[], object]) -> int:
    before = signal.signal(signal.SIGTERM, _end_at_once)
    try:
        call()
    except UserError as error:
        print(f"msm: {error}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        print("msm: interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    except Interrupted as stop:
        print(f"msm: {stop}", file=sys.stderr)
        return stop.exit_code
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def _end_at_once(number: int, frame: FrameType | None) -> None:
    """End where nothing has to be brought to safety; the trainer and `msm run` listen themselves.

    By a handler, since the first process of a container ignores a signal that has none.
    """
    os.write(2, b"msm: stopped by SIGTERM; the same command goes on from here\n")
    os._exit(128 + number)
