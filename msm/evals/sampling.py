"""Sample and grade a whole suite into a log folder; stopped halfway, it goes on from there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from inspect_ai.hooks import Hooks, SampleEnd, hooks

from msm.errors import UserError
from msm.evals.finished import finished_log
from msm.progress import track

if TYPE_CHECKING:
    from inspect_ai import Task
    from inspect_ai.log import EvalLog
    from inspect_ai.model import Model

# Samples that may be lost with a machine: fewer would write the growing log file more often.
LOG_BUFFER = 10
SAMPLE_RETRIES = 2
MAXIMUM_ERRORS = 0.1
JUDGE_ROLE = "judge"


def sample_suite(
    suite: Task,
    model: str | Model,
    folder: Path,
    epochs: int = 1,
    judge: Model | None = None,
    maximum_errors: float = MAXIMUM_ERRORS,
    maximum_samples: int | None = None,
    log_buffer: int = LOG_BUFFER,
) -> Path:
    """Run what is missing of ``epochs`` samples of each item and return the finished log.

    ``judge`` plays the role of that name, which the suites' scorers ask for.

    Killed and called again with the same task, model and judge, also with the folder copied to
    another machine, only samples that are not in the folder's logs are run. A sample that keeps
    failing is kept as an error, and the others go on, until more than ``maximum_errors`` (a share)
    have failed: then something is wrong with the model, and the failed ones are to be run again.

    Raises:
        UserError: too many samples failed, or Inspect was stopped; what it has done is kept.
    """
    from inspect_ai import eval_set

    folder.mkdir(parents=True, exist_ok=True)
    # Inspect greets on standard output, whatever display it is given.
    with _shown(suite.name, len(suite.dataset) * epochs), redirect_stdout(StringIO()):
        finished, logs = eval_set(
            suite,
            log_dir=str(folder),
            model=model,
            epochs=epochs,
            model_roles={JUDGE_ROLE: judge} if judge else None,
            max_samples=maximum_samples,
            log_buffer=log_buffer,
            log_dir_allow_dirty=True,  # of a run with another provider or judge: left aside
            fail_on_error=maximum_errors or True,
            retry_on_error=SAMPLE_RETRIES,
            retry_attempts=0,
            retry_immediate=False,
            display="none",
            score_display=False,  # nobody looks, and it takes up to a tenth of the time
        )
    if not finished:
        raise UserError(
            f"{folder}: the suite {suite.name} did not finish ({_faults(logs)}); what is done is "
            "kept, run it again"
        )
    return finished_log(folder, suite.name)


def _faults(logs: Sequence[EvalLog]) -> str:
    """What stopped the runs: the commonest error of their samples, else their own."""
    from inspect_ai.log import read_eval_log_sample_summaries

    errors = Counter(
        sample.error.splitlines()[0]
        for log in logs
        if log.error and log.location
        for sample in read_eval_log_sample_summaries(log.location)
        if sample.error
    )
    own = [log.error.message for log in logs if log.error]
    said = [f"{error} ({count} samples)" for error, count in errors.most_common(1)] or own
    return " ".join("; ".join(said).split())[:300] or "stopped"


_advance: Callable[[int], None] | None = None


@hooks(name="msm_progress", description="Shows how far a suite has come.")
class _Progress(Hooks):
    """Counts finished samples while a suite of ours runs, and nothing otherwise."""

    done = 0

    def enabled(self) -> bool:
        return _advance is not None

    async def on_sample_end(self, data: SampleEnd) -> None:
        _Progress.done += 1
        if _advance is not None:
            _advance(_Progress.done)


@contextmanager
def _shown(name: str, samples: int) -> Iterator[None]:
    global _advance
    with track(name, samples, "samples") as advance:
        _Progress.done, _advance = 0, advance
        try:
            yield
        finally:
            _advance = None
