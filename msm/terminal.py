"""Bars for the work in hand, drawn with rich on standard error."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from msm.progress import Step


class Display:
    """One bar for each label in progress, with count, throughput, time and ETA."""

    def __init__(self) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]} {task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("ETA"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Display:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def update(self, step: Step) -> None:
        """Draw a step; its bar goes when the work has ended."""
        if step.total == 0:
            bar = self._bars.pop(step.label, None)
            if bar is not None:
                self._progress.remove_task(bar)
            return
        if step.label not in self._bars:
            self._bars[step.label] = self._progress.add_task(
                step.label, total=step.total, unit=step.unit, note="", rate=""
            )
        bar = self._bars[step.label]
        speed = next((t.speed for t in self._progress.tasks if t.id == bar), None)
        rate = f"{speed:,.1f}/s" if speed else ""
        self._progress.update(bar, completed=step.done, total=step.total, note=step.note, rate=rate)

    def print(self, text: str) -> None:
        """Print a line above the bars."""
        self._progress.console.print(text, highlight=False, markup=False)
