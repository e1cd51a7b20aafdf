"""Sample and grade a whole suite into a log folder; stopped halfway, it goes on from there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msm.errors import UserError
from msm.evals.agentic.rows import finished_log

if TYPE_CHECKING:
    from inspect_ai import Task
    from inspect_ai.model import Model

# Samples that may be lost with a machine: fewer would write the growing log file more often.
LOG_BUFFER = 10
SAMPLE_RETRIES = 2


def sample_suite(
    suite: Task,
    model: str | Model,
    folder: Path,
    epochs: int,
    maximum_samples: int | None = None,
    log_buffer: int = LOG_BUFFER,
) -> Path:
    """Run what is missing of ``epochs`` samples a cell and return the finished log.

    Killed and called again with the same arguments, also with the folder copied to another
    machine, only samples that are not in the folder's logs are run. A sample that keeps failing
    is kept as an error, and the others go on.

    Raises:
        UserError: Inspect could not finish; what it has done is kept.
    """
    from inspect_ai import eval_set

    folder.mkdir(parents=True, exist_ok=True)
    finished, logs = eval_set(
        suite,
        log_dir=str(folder),
        model=model,
        epochs=epochs,
        max_samples=maximum_samples,
        log_buffer=log_buffer,
        fail_on_error=False,
        retry_on_error=SAMPLE_RETRIES,
        retry_attempts=0,
        display="none",
        score_display=False,  # nobody looks, and it takes up to a tenth of the time
    )
    if not finished:
        faults = [log.error.message for log in logs if log.error]
        raise UserError(
            f"{folder}: the agentic suite did not finish ({'; '.join(faults) or 'stopped'}); "
            "what is done is kept, run it again"
        )
    return finished_log(folder)
