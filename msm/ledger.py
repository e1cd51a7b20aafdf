"""The ledger of a pipeline's run: what became of each task, and what it cost."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from msm.bundle import unbundle
from msm.errors import UserError
from msm.experiment import build_tasks
from msm.pipeline_state import TaskReport, TaskState, stored_record, task_reports
from msm.recipe import Recipe
from msm.record import Record
from msm.registry.joined import mark_pipeline
from msm.registry.live import PARENT_VARIABLE
from msm.store import Store, named_store
from msm.task import Stage, Task


@dataclass(frozen=True)
class Entry:
    """A task: how far it came, its identity, seconds, US dollars, and why it failed if it did."""

    task: str
    state: TaskState
    identity: str = ""
    seconds: float = 0.0
    tokens: int = 0
    cost: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class Ledger:
    """All tasks of a run; ``state`` and ``error`` are the pipeline's own."""

    experiment: str
    state: str
    error: str
    entries: tuple[Entry, ...]

    def to_json(self) -> str:
        """As indented JSON."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    def to_markdown(self) -> str:
        """A table of what is not done, if anything, and one of costs by stage."""
        counts = Counter(entry.state for entry in self.entries)
        told = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
        lines = [f"# {self.experiment}: {self.state}", "", f"{told or 'no task is known of'}.", ""]
        lines += [f"> {self.error}", ""] if self.error else []
        unfinished = [entry for entry in self.entries if entry.state is not TaskState.DONE]
        if unfinished:
            lines += ["| task | state | why |", "|---|---|---|"]
            lines += [f"| {e.task} | {e.state} | {_cell(e.reason)} |" for e in unfinished] + [""]
        lines += ["| stage | outputs | hours | tokens | US dollars |", "|---|---|---|---|---|"]
        for stage in Stage:
            done = [
                entry
                for entry in self.entries
                if entry.task.startswith(f"{stage}/") and entry.state is TaskState.DONE
            ]
            lines.append(
                f"| {stage} | {len(done)} | {sum(e.seconds for e in done) / 3600:.2f} | "
                f"{sum(e.tokens for e in done):,} | {sum(e.cost for e in done):.2f} |"
            )
        return "\n".join(lines) + "\n"

    def figures(self) -> Mapping[str, float]:
        """The sums, by name."""
        return {
            "tasks": len(self.entries),
            "done": sum(entry.state is TaskState.DONE for entry in self.entries),
            "hours": round(sum(entry.seconds for entry in self.entries) / 3600, 4),
            "cost": round(sum(entry.cost for entry in self.entries), 6),
        }


def close_pipeline(bundle: str, state: str, error: str) -> Ledger:
    """Sum up a run and mark its MLflow run; never fails for what went wrong before.

    Args:
        bundle: the text that the pipeline was handed.
        state: of the pipeline, as KFP says it.
        error: its message, if there is one.
    """
    digest = hashlib.sha256(bundle.encode()).hexdigest()
    with tempfile.TemporaryDirectory() as folder:
        try:
            recipe = unbundle(bundle, Path(folder))
            ledger = make_ledger(recipe, digest, state, error)
        except UserError as fault:
            ledger = Ledger("", state, " | ".join(filter(None, (error, str(fault)))), ())
    mark_pipeline(
        os.environ.get(PARENT_VARIABLE, ""), ledger.experiment, ledger.state, ledger.figures()
    )
    return ledger


def make_ledger(recipe: Recipe, digest: str, state: str, error: str) -> Ledger:
    """The ledger of a recipe's tasks, from what they left in the store.

    Raises:
        UserError: the store cannot be read.
    """
    store = named_store(recipe.execution)
    tasks = build_tasks(recipe)
    if store is None:
        missing = "there is no store, so nothing is known of the tasks"
        return Ledger(recipe.name, state, " | ".join(filter(None, (error, missing))), ())
    reports = task_reports(store, digest, tasks)
    entries = tuple(
        _entry(store, task, report) for task, report in zip(tasks, reports, strict=True)
    )
    return Ledger(recipe.name, state, error, entries)


def _entry(store: Store, task: Task, report: TaskReport) -> Entry:
    record: Record | None = None
    if report.state is TaskState.DONE:
        record = stored_record(store, task, report.identity)
    return Entry(
        task=task.label,
        state=report.state,
        identity=report.identity,
        seconds=record.seconds if record else 0.0,
        tokens=record.outcome.tokens if record else 0,
        cost=record.outcome.cost if record else 0.0,
        reason=report.reason,
    )


def _cell(text: str) -> str:
    """Text as it may stand in a table of Markdown's."""
    return text.replace("|", "\\|").replace("\n", " ")
