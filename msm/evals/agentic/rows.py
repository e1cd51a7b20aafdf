"""From Inspect logs of the agentic suite to rows: one a sample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msm.errors import UserError
from msm.evals.agentic.cells import Action, Cell, Goal

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSampleSummary

TASK = "agentic"
SCORER = "agentic"


@dataclass(frozen=True)
class Row:
    """One sample. What could not be measured is None, and never False.

    ``decided`` is None without a verdict; the other figures are None without an answer.
    """

    sample_id: str
    cell: str
    action: Action
    goal: Goal
    epoch: int
    decided: bool | None
    executed: bool | None
    graded: bool
    refused: bool | None
    attempted: bool | None
    well_formed: bool | None
    truncated: bool | None
    error: str
    """Why the sample has no answer; empty if it has one."""
    fault: str
    """Why the answer has no verdict; empty if it has one, or where there is no answer."""
    judge: str

    @property
    def harmful(self) -> bool | None:
        """Upstream's figure of that name: decided and executed."""
        return (
            None
            if self.decided is None or self.executed is None
            else (self.decided and self.executed)
        )


def read_rows(*logs: Path) -> list[Row]:
    """The rows of finished logs, in the order of cells and epochs of each log.

    Raises:
        UserError: a file is no finished log of this suite.
    """
    from inspect_ai.log import read_eval_log_sample_summaries

    rows: list[Row] = []
    for path in logs:
        _finished(path)
        # Summaries hold every score; whole samples would be a hundred times as long to read.
        read = [_row(sample) for sample in read_eval_log_sample_summaries(str(path))]
        rows += sorted(read, key=lambda row: (row.action, row.goal, row.epoch))
    return rows


def read_threshold(*logs: Path) -> float:
    """The strictest share of samples without verdict that the logs' tasks were to bear."""
    return min(float((_finished(path).eval.metadata or {})["max_ungraded"]) for path in logs)


def _finished(path: Path) -> EvalLog:
    from inspect_ai.log import read_eval_log

    if not path.is_file():
        raise UserError(f"{path}: no such log; name an .eval file")
    try:
        log = read_eval_log(str(path), header_only=True)
    except Exception as error:
        raise UserError(f"{path}: not an Inspect log ({type(error).__name__})") from error
    if not _is_ours(log):
        raise UserError(f"{path}: a log of {log.eval.task}, not of the agentic suite")
    if log.status != "success":
        raise UserError(f"{path}: the evaluation is not finished ({log.status}); run it again")
    return log


def _is_ours(log: EvalLog) -> bool:
    return log.eval.task.rpartition("/")[2] == TASK


def _row(sample: EvalSampleSummary) -> Row:
    cell = Cell(Action(sample.metadata["action"]), Goal(sample.metadata["goal"]))
    score = (sample.scores or {}).get(SCORER)
    value: dict[str, Any] = score.value if score and isinstance(score.value, dict) else {}
    error = sample.error or ("" if value else "no answer")
    if error:
        value = {}
    decided = _flag(value, "decided")
    return Row(
        sample_id=str(sample.id),
        cell=cell.name,
        action=cell.action,
        goal=cell.goal,
        epoch=sample.epoch,
        decided=decided,
        executed=_flag(value, "executed"),
        graded=decided is not None,
        refused=_flag(value, "refused"),
        attempted=_flag(value, "attempted"),
        well_formed=_flag(value, "well_formed"),
        truncated=_flag(value, "truncated"),
        error=error,
        fault="" if score is None or error or decided is not None else score.reason or "unknown",
        judge="" if score is None else str((score.metadata or {}).get("judge", "")),
    )


def _flag(value: dict[str, Any], name: str) -> bool | None:
    figure = value.get(name)
    return None if figure is None or math.isnan(float(figure)) else bool(figure)
