"""What `msm run` and `msm status` print."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from msm.experiment import build_tasks
from msm.progress import Step
from msm.recipe import Recipe
from msm.run import Finished, run_experiment
from msm.status import State, experiment_status
from msm.task import Stage
from msm.terminal import Display
from msm.workspace import Workspace


def run_and_show(recipe: Recipe, asked: str, root: Path, replace: bool) -> None:
    """Run an experiment with progress, then print the result and where to look.

    ``asked`` is how the recipe was named on the command line, with its profile.
    """
    tasks = build_tasks(recipe)
    started = time.monotonic()
    finished = (
        _run_with_bars(recipe, root, replace, len(tasks))
        if sys.stderr.isatty()
        else run_experiment(recipe, root, replace, _print_finished, lambda step: None)
    )
    worked = sum(item.worked for item in finished)
    minutes = (time.monotonic() - started) / 60
    _show_result(recipe, asked, root)
    print(f"{len(finished)} outputs, {worked} of them made now, in {minutes:.1f} minutes")


def show_status(recipe: Recipe, root: Path) -> None:
    """Print a table of all outputs and a count of their states."""
    rows = experiment_status(recipe, root)
    table = Table(box=None, header_style="bold")
    for column in ("stage", "name", "state", "identity", "rows", "seconds"):
        table.add_column(column, justify="right" if column in ("rows", "seconds") else "left")
    for row in rows:
        record = row.record
        table.add_row(
            row.task.stage,
            row.task.name,
            row.state,
            record.identity[:12] if record else "",
            str(record.outcome.rows_out) if record else "",
            f"{record.seconds:.1f}" if record else "",
        )
    Console().print(table)
    counts = Counter(row.state for row in rows)
    print(", ".join(f"{counts[state]} {state}" for state in State if counts[state]))


def _run_with_bars(recipe: Recipe, root: Path, replace: bool, total: int) -> list[Finished]:
    count = 0
    with Display() as display:

        def finished(item: Finished) -> None:
            nonlocal count
            count += 1
            if item.worked:
                display.print(_line(item))
            display.update(Step(recipe.name, count, total, "outputs"))

        display.update(Step(recipe.name, 0, total, "outputs"))
        return run_experiment(recipe, root, replace, finished, display.update)


def _print_finished(item: Finished) -> None:
    if item.worked:
        print(_line(item), flush=True)


def _line(item: Finished) -> str:
    return f"{item.task.label:<44} {item.identity[:12]}  {item.seconds:6.1f} s"


def _show_result(recipe: Recipe, asked: str, root: Path) -> None:
    from msm.reporting.console import result_table

    workspace = Workspace(root, recipe)
    report = workspace.output(Stage.REPORT, recipe.name)
    Console().print(result_table(report))
    where = "" if root == Path() else f" --workspace {root}"
    print(f"report page  {report / 'report.html'}")
    print(f"records      {workspace.root / 'outputs' / recipe.name}/*/*/record.json")
    print(f"MLflow       .venv/bin/msm ui{where}")
    _show_registration(workspace, asked, where)
    print(f"status       .venv/bin/msm status {asked}{where}")


def _show_registration(workspace: Workspace, asked: str, where: str) -> None:
    """Say which candidate was registered, and if that was on another server than today's."""
    from msm.registry.server import public_uri, tracking_uri

    name = workspace.recipe.name
    path = workspace.output(Stage.REGISTER, name) / "registration.json"
    registration = json.loads(path.read_text(encoding="utf-8"))
    model = registration["model"]
    print(f"candidate    {model['name']} version {model['version']}")
    if registration["tracking_uri"] != public_uri(tracking_uri()):
        print(
            f"             registered at {registration['tracking_uri']}, not at "
            f"{public_uri(tracking_uri())}; to register there too: "
            f".venv/bin/msm register {asked} {name}{where} --replace"
        )
