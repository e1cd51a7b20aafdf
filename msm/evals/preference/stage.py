"""The preference suite on the model of a recipe's stage: by its answers, or by log-probability."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msm.configs import SuiteConfig
from msm.evals.found import Found
from msm.evals.measurement import Measure, Measurement
from msm.evals.preference.items import preference_files, read_preferences
from msm.evals.preference.measure import MEASURES, measurements
from msm.evals.subject import Subject
from msm.execution import Execution
from msm.progress import track
from msm.suites import PreferenceSuite, Scoring


def run_preference(
    config: SuiteConfig,
    settings: PreferenceSuite,
    subject: Subject,
    out: Path,
    execution: Execution,
) -> Found:
    """Ask or score all pairs of the chosen values.

    Raises:
        UserError: a value has no file, or log-probabilities are asked of a model that only a
            server has.
    """
    match settings.scoring:
        case Scoring.ANSWERS:
            from msm.evals.inspect_run import sample
            from msm.evals.preference.task import preference

            task = preference(
                values=list(settings.values),
                pairs=settings.pairs,
                max_tokens=settings.maximum_tokens,
            )
            sampled = sample(task, 1, 0.0, measurements, subject, out, execution)
            return Found(_used(sampled.measurements), sampled.measurements, models=sampled.models)
        case Scoring.LOG_PROBABILITIES:
            from msm.evals.preference.log_probabilities import score_preferences

            pairs = read_preferences(preference_files(settings.values), settings.pairs)
            model, tokenizer = subject.loaded()
            with track("preference", 2 * len(pairs.items), "prompts") as advance:
                scored = score_preferences(model, tokenizer, pairs, config.batch_size, advance)
            return Found(_used(scored), scored)


def _used(found: Sequence[Measurement]) -> tuple[Measure, ...]:
    """The measures that this run has, of all that the suite knows."""
    there = {row.measure for row in found}
    return tuple(measure for measure in MEASURES if measure.name in there)
