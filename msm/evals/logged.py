"""Samples out of a folder of Inspect logs: one for each id and epoch, the best there is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msm.errors import UserError

if TYPE_CHECKING:
    from inspect_ai.log import EvalSample


def logged_samples(folder: Path, task: str) -> list[EvalSample]:
    """The samples of all logs of ``task`` in a folder, by id and epoch.

    Where several logs hold the same sample (a run that was cut, and its repetition), one that was
    scored goes before one that failed, and the newest log before the others.

    Raises:
        UserError: the folder holds no log of this task.
    """
    from inspect_ai.log import list_eval_logs, read_eval_log

    read = [read_eval_log(log) for log in list_eval_logs(str(folder), descending=False)]
    logs = [log for log in read if log.eval.task.rpartition("/")[2] == task]
    if not logs:
        raise UserError(f"{folder} holds no log of {task}; run it first")
    found: dict[tuple[str, int], EvalSample] = {}
    for log in logs:
        for sample in log.samples or []:
            key = str(sample.id), sample.epoch
            if key not in found or _is_scored(sample) or not _is_scored(found[key]):
                found[key] = sample
    return [found[key] for key in sorted(found)]


def why_unscored(sample: EvalSample) -> str:
    """Why a sample has no score at all; empty if it has one."""
    if sample.error is not None:
        return f"the sample failed: {sample.error.message[:200]}"
    return "" if sample.scores else "not scored"


def _is_scored(sample: EvalSample) -> bool:
    return sample.error is None and bool(sample.scores)
