"""``msm judge-check``: how good a judge is, before its figures are believed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer
import yaml
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from msm.errors import UserError, nearest
from msm.evals.judge_check import FILE, VERDICTS, Check, check_folder, check_judge
from msm.evals.labelled.agreement import Interval, Share, YesNo
from msm.execution import Connection
from msm.model_choice import ModelChoice
from msm.progress import shown_on_terminal

UNUSABLE = 1


def check_and_show(model: str, overrides: Sequence[str], root: Path) -> None:
    """Measure a judge and print its figures; exits 1 when nothing that it says can be read.

    Raises:
        UserError: a key or value cannot be used, or the judge cannot be reached.
    """
    choice, connection = judge_settings(model, overrides)
    with shown_on_terminal():
        check = check_judge(choice, connection, root)
    _show(check)
    folder = check_folder(root, choice)
    print(f"figures   {folder / FILE}")
    print(f"verdicts  {folder / VERDICTS}")
    if not check.usable:
        print(f"{model} cannot judge: it gave no answer in the form that was asked for")
        raise typer.Exit(UNUSABLE)


def judge_settings(model: str, overrides: Sequence[str]) -> tuple[ModelChoice, Connection]:
    """The judge and its connection: each answer is asked for once, at temperature 0, unless set.

    Raises:
        UserError: an override names no field of either, or its value does not fit.
    """
    choice: dict[str, Any] = {"model": model, "temperature": 0.0}
    connection: dict[str, Any] = {"answers": 1}
    fields = (set(ModelChoice.model_fields) - {"model"}) | set(Connection.model_fields)
    for override in overrides:
        key, equals, value = override.partition("=")
        first, *below = key.split(".")
        if not equals:
            raise UserError(f"--set {override}: write it as key=value")
        if first not in fields:
            raise UserError(f"--set {override}: unknown key '{first}'{nearest(first, fields)}")
        target = choice if first in ModelChoice.model_fields else connection
        *above, last = first, *below
        for part in above:
            target = target.setdefault(part, {})
        try:
            target[last] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise UserError(f"--set {override}: '{value}' is not valid YAML") from None
    try:
        return ModelChoice.model_validate(choice), Connection.model_validate(connection)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise UserError(f"--set {where}: {fault['msg']}") from None


def _show(check: Check) -> None:
    table = Table(box=None, header_style="bold")
    for column in ("verdicts", "answers", "agree", "kappa", "false yes", "false no"):
        table.add_column(column, justify="left" if column == "verdicts" else "right")
    for name, group in check.agentic.items():
        table.add_row(*_cells(name, group))
    table.add_row(*_cells("hard rules alone", check.rules["all"]))
    console = Console()
    console.print(table)
    scores = check.open_qa
    print(
        f"scores    mean difference {_interval(scores.difference)}, bias {_interval(scores.bias)}"
    )
    print(f"          Spearman {_interval(scores.spearman)}")
    print(f"          within one {_share(scores.within_one)}, in range {_share(scores.in_range)}")
    for name, part in check.read.items():
        print(f"read      {name}: {_share(part)}")
    for fault, count in check.faults.items():
        print(f"unread    {count} {fault}")


def _cells(name: str, group: YesNo) -> list[str]:
    agree = group.agree
    return [
        name,
        str(agree.of),
        "–" if agree.value is None else f"{agree.value:.0%}",
        _interval(group.kappa),
        str(group.false_yes),
        str(group.false_no),
    ]


def _interval(figure: Interval) -> str:
    if figure.value is None:
        return "–"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.2f}"
    return f"{figure.value:.2f} [{figure.low:.2f}, {figure.high:.2f}]"


def _share(part: Share) -> str:
    if part.value is None:
        return "–"
    return f"{part.count} of {part.of} ({part.value:.0%} [{part.low:.0%}, {part.high:.0%}])"
