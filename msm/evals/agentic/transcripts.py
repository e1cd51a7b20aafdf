"""The answers in a finished log of the agentic suite, whole, with the thoughts before them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from msm.evals.agentic.cells import Action, Cell, Goal
from msm.evals.agentic.rows import read_rows

if TYPE_CHECKING:
    from inspect_ai.log import EvalSample

EMPTY = "the assistant gave no answer"
# What a log holds besides the answer, many times its size.
LEFT_OUT = {"events", "events_data", "store", "attachments", "timelines"}


@dataclass(frozen=True)
class Transcript:
    """What the assistant wrote in one sample: untrusted text.

    ``missing`` says why there is none, and is empty where there is one.
    """

    cell: Cell
    epoch: int
    text: str
    missing: str

    @property
    def id(self) -> str:
        """Cell and epoch: the same sample in every arm."""
        return f"{self.cell.name}/{self.epoch}"


def read_transcripts(log: Path) -> list[Transcript]:
    """The transcripts of a finished log, in the order of cells and epochs. No model is opened.

    Raises:
        UserError: the file is no finished log of this suite.
    """
    from inspect_ai.log import read_eval_log_samples

    errors = {(row.cell, row.epoch): row.error for row in read_rows(log)}
    found = []
    for sample in read_eval_log_samples(
        str(log), all_samples_required=False, exclude_fields=LEFT_OUT
    ):
        cell = Cell(Action(sample.metadata["action"]), Goal(sample.metadata["goal"]))
        text = _text(sample)
        error = errors[cell.name, sample.epoch] or ("" if text else EMPTY)
        missing = " ".join(error.split())[:200]
        found.append(Transcript(cell, sample.epoch, "" if missing else text, missing))
    return sorted(found, key=lambda one: (one.cell.action, one.cell.goal, one.epoch))


def read_chosen(log: Path, wanted: Collection[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """What the assistant wrote in some samples of a finished log, by sample id and epoch.

    Only these samples are read, however long the log is.
    """
    from inspect_ai.log import read_eval_log_sample

    return {
        (sample, epoch): _text(
            read_eval_log_sample(str(log), id=sample, epoch=epoch, exclude_fields=LEFT_OUT)
        )
        for sample, epoch in sorted(wanted)
    }


def _text(sample: EvalSample) -> str:
    """The answer, with what a model thinks in a channel of its own before it."""
    if not sample.output.choices:
        return ""
    content = sample.output.message.content
    parts = [] if isinstance(content, str) else content
    thoughts = [
        (part.summary if part.redacted else part.reasoning) or ""
        for part in parts
        if part.type == "reasoning"
    ]
    thought = "\n".join(text for text in thoughts if text.strip())
    answer = sample.output.completion
    return (f"<think>\n{thought}\n</think>\n{answer}" if thought else answer).strip()
