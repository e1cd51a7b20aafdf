"""The samples of a suite's finished log, and why one of them has no score."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msm.evals.finished import finished_log

if TYPE_CHECKING:
    from inspect_ai.log import EvalSample


def logged_samples(folder: Path, task: str) -> list[EvalSample]:
    """The samples of the latest finished log of ``task`` in a folder, by id and epoch.

    Raises:
        UserError: there is no finished log of this task.
    """
    from inspect_ai.log import read_eval_log

    samples = read_eval_log(str(finished_log(folder, task))).samples or []
    return sorted(samples, key=lambda sample: (str(sample.id), sample.epoch))


def why_unscored(sample: EvalSample) -> str:
    """Why a sample has no score at all; empty if it has one."""
    if sample.error is not None:
        return f"the sample failed: {' '.join(sample.error.message.split())[:200]}"
    return "" if sample.scores else "not scored"
