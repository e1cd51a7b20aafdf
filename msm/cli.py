"""The command line: ``msm`` with all its commands, and how each of them ends."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from types import FrameType
from typing import Annotated

import typer

from msm import __version__, cli_stages
from msm.cli_adopt import adopt
from msm.cli_audit import audit_command
from msm.cli_experiment import cost, logs, preflight, run, status, ui
from msm.cli_lineage import lineage
from msm.cli_models import export, judge_check
from msm.cli_rerun import rerun
from msm.cli_review import demote, gate, history, promote, webhook_app
from msm.cli_review_page import review
from msm.cli_sign import sign, verify
from msm.cli_spec import spec_app
from msm.errors import Interrupted, UserError

USER_ERROR = 2

app = typer.Typer(
    help="Model Spec Midtraining: from a spec in Markdown to a compared, registered model.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(spec_app, name="spec")
for _entry in entry_points(group="msm.commands"):  # such as `msm pipeline`
    app.add_typer(_entry.load(), name=_entry.name)
app.add_typer(webhook_app, name="webhook")

_COMMANDS: dict[str, Callable[..., None]] = {  # in the order of the help
    "plan": cli_stages.plan,
    "write": cli_stages.write,
    "curate": cli_stages.curate,
    "demonstrate": cli_stages.demonstrate,
    "train": cli_stages.train,
    "evaluate": cli_stages.evaluate,
    "report": cli_stages.report,
    "register": cli_stages.register,
    "run": run,
    "preflight": preflight,
    "status": status,
    "cost": cost,
    "logs": logs,
    "judge-check": judge_check,
    "export": export,
    "gate": gate,
    "promote": promote,
    "demote": demote,
    "history": history,
    "review": review,
    "sign": sign,
    "verify": verify,
    "ui": ui,
    "audit": audit_command,
    "lineage": lineage,
    "adopt": adopt,
    "rerun": rerun,
}
for _name, _command in _COMMANDS.items():
    app.command(_name)(_command)
app.command("train-ordered", hidden=True)(cli_stages.train_ordered_command)


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
