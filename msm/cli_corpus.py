"""What a corpus would take, and what an experiment's models have cost."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from msm.corpus.preview import preview
from msm.cost import Spent, experiment_costs, total
from msm.experiment import build_tasks
from msm.recipe import Recipe
from msm.task import Stage

WIDTH = 116


def show_preview(recipe: Recipe, name: str | None) -> None:
    """Print documents, requests, tokens and cost of one corpus, or of all of a recipe's.

    Raises:
        UserError: there is no corpus of that name.
    """
    names = [task.name for task in build_tasks(recipe) if task.stage is Stage.PLAN]
    previews = [preview(recipe, each) for each in ([name] if name else names)]
    table = _table("corpus", "author", "documents", "requests", "tokens in", "tokens out", "US $")
    for item in previews:
        counts = (item.documents, item.requests, item.tokens_in, item.tokens_out)
        cells = [f"{count:,}" for count in counts]
        table.add_row(item.name, item.author, *cells, f"{item.cost:,.2f}")
    _print(table)
    documents = sum(item.documents for item in previews)
    tokens = sum(item.corpus_tokens for item in previews)
    cost = sum(item.cost for item in previews)
    print(
        f"at most {documents:,} documents of about {tokens:,} tokens together, for about "
        f"$ {cost:,.2f}; answers asked for again come on top, nothing was spent now"
    )
    if recipe.author.is_model and not (recipe.execution.author.price.output):
        print("the cost is 0 since 'execution.author.price' gives no prices")


def show_costs(experiment: str, root: Path) -> None:
    """Print what each stage's models used, and the sum.

    Raises:
        UserError: the workspace holds no such experiment.
    """
    spent = experiment_costs(root, experiment)
    table = _table(
        "stage", "role", "model", "requests", "retries", "unusable", "tokens in", "out",
        "hours", "US $",
    )  # fmt: skip
    for row in [*spent, total(spent)]:
        table.add_row(*_cells(row))
    _print(table)
    if not any(row.requests for row in spent):
        print("no model was asked: the built-in author needs none")


def _cells(row: Spent) -> list[str]:
    counts = (row.requests, row.retries, row.unusable, row.tokens_in, row.tokens_out)
    return [
        row.stage,
        row.role,
        row.model,
        *(f"{count:,}" for count in counts),
        f"{row.seconds / 3600:,.2f}",
        f"{row.cost:,.2f}",
    ]


def _print(table: Table) -> None:
    """Print as wide as the numbers need, also where a pipe or a terminal says 80 columns."""
    console = Console()
    console.width = max(console.width, WIDTH)
    console.print(table)


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold")
    words = ("corpus", "author", "stage", "role", "model")
    for column in columns:
        if column in words:
            table.add_column(column, overflow="fold")
        else:
            table.add_column(column, justify="right", no_wrap=True)
    return table
