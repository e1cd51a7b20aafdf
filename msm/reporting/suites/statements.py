"""The suites' sentences: what the comparisons say, how it was measured, what stands against it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msm.analysis import Analysis
from msm.evals.measurement import Better, Role
from msm.reporting.figures import listing
from msm.reporting.reading import Answer
from msm.reporting.suites import writing
from msm.reporting.suites.comparisons import Comparison, Kind, Reading
from msm.reporting.suites.health import Judge, unlike_settings
from msm.reporting.suites.levels import Level
from msm.reporting.suites.samples import Suites

MUCH_UNGRADED = 0.05
_ALPHA = 0.05


def verdict(comparisons: Sequence[Comparison], analysis: Analysis, every: int) -> str:
    """The headline contrasts, and how many main measures moved against the reference arm.

    ``every`` counts all comparisons of the report, those on word pairs too.
    """
    reference = analysis.reference
    told = [
        f"{item.label}: {_figure(item)} {writing.unit_name(item.measure.unit)}, {item.reading}."
        for item in comparisons
        if item.headline
    ]
    main = [c for c in comparisons if c.kind is Kind.REFERENCE and c.measure.role is Role.MAIN]
    if not main:
        return " ".join([*told, f"No main measure could be compared with {reference}."])
    kept = sum(item.adjusted < _ALPHA for item in main)
    counts = [
        f"{sum(item.reading is reading for item in main)} {reading}"
        for reading in Reading
        if any(item.reading is reading for item in main)
    ]
    corrected = (
        f"{kept} of them {'has' if kept == 1 else 'have'} p below {_ALPHA} after correction for "
        f"all {every} comparisons of this report"
        if least_p(every, analysis.resamples) < _ALPHA
        else f"{analysis.resamples:,} resamples cannot tell whether any would stand a correction "
        f"for all {every} comparisons of this report (analysis.resamples)"
    )
    told.append(
        f"Of {len(main)} difference{'s' if len(main) > 1 else ''} of main measures from "
        f"{reference}, {listing(counts)} by the interval; {corrected}."
    )
    return " ".join(told)


def least_p(comparisons: int, resamples: int) -> float:
    """The least p that Holm's rule can give, as no p is told below 2 / (resamples + 1)."""
    return min(1.0, 2 * comparisons / (resamples + 1))


def seeds_statement(seeds: Sequence[int]) -> str:
    """What the intervals cover, given the seeds."""
    if len(seeds) == 1:
        return (
            f"One seed ({seeds[0]}): the intervals cover the choice of items and the chance of "
            "sampling, not the training run. Another seed may move a figure by more than its "
            "interval."
        )
    return (
        f"{len(seeds)} seeds ({', '.join(map(str, seeds))}): the intervals cover items and "
        "training runs together, and are wide where the few runs differ."
    )


def answers(suites: Suites, comparisons: Sequence[Comparison]) -> tuple[Answer, ...]:
    """For each suite, one sentence a main measure: which arms differ from the reference."""
    told = []
    for name in suites.names:
        sentences = []
        for measured in suites.measures:
            found = [
                item
                for item in comparisons
                if (item.suite, item.measure) == (name, measured.measure)
                and measured.suite == name
                and item.kind is not Kind.CONTRAST
            ]
            if measured.measure.role is Role.MAIN and found:
                sentences += [
                    _sentence([item for item in found if item.kind is kind])
                    for kind in (Kind.REFERENCE, Kind.START)
                    if any(item.kind is kind for item in found)
                ]
        if sentences:
            told.append(Answer(name, tuple(sentences)))
    return tuple(told)


def how_measured(suites: Suites, analysis: Analysis, comparisons: int) -> tuple[str, ...]:
    """Suites with their size and settings, then how figures and intervals were made."""
    lines = []
    for name in suites.names:
        folders = tuple(folder for folder in suites.folders if folder.suite == name)
        if not folders:
            continue
        items = max((len(m.items) for m in suites.measures if m.suite == name), default=0)
        unlike = unlike_settings(folders)
        shared = [
            f"{key.replace('_', ' ')} {_setting(value)}"
            for key, value in folders[0].settings.items()
            if key not in unlike and value not in (None, "", [], {})
        ]
        settings = f"; {'; '.join(shared)}" if shared else ""
        lines.append(f"{name}: {items} items, {len(folders)} sets of measurements{settings}.")
    resamples = f"{analysis.resamples:,} bootstrap resamples (seed {analysis.seed}) of clusters"
    lines += [
        "A rate is the mean over items of each item’s share of graded samples, so items weigh "
        "alike; scores and nats likewise. An ungraded sample is no “no”: it is left out, and "
        "counted.",
        f"Intervals: 95 %, expanded percentiles of {resamples}; with several seeds joined with "
        "Student’s t over seeds. Figures of health are plain rates over all samples, with Wilson’s "
        "interval.",
        "A difference is taken item by item between arms, over the seeds that both have; the "
        "start model, which has no seed, stands for each. “Better” and “worse” mean that the whole "
        "interval lies on that side of zero.",
        f"p (Holm) is adjusted for all {comparisons} comparisons of this report together. So many, "
        f"by {analysis.resamples:,} resamples, can give none below "
        f"{least_p(comparisons, analysis.resamples):.2g}.",
    ]
    return tuple(lines)


def threats(
    suites: Suites, levels: Sequence[Level], judges: Sequence[Judge], expected: bool
) -> tuple[str, ...]:
    """What a reader should hold against the suites' figures."""
    lines = [
        "Intervals are not widened for the number of comparisons: with no effect at all, one in "
        "twenty still excludes zero. The adjusted p-values are the ones to read together.",
        "Items were chosen by hand; the intervals speak of items like them, and of this student.",
    ]
    unmeasured = [judge.name for judge in judges if judge.check is None]
    if unmeasured:
        lines.append(
            f"How well {listing(unmeasured)} judges was not measured on the labelled answers; "
            "nothing here says how far its verdicts are those of a person."
        )
    for name in suites.names:
        unlike = unlike_settings(tuple(f for f in suites.folders if f.suite == name))
        if unlike:
            lines.append(
                f"Arms of {name} were not all measured alike: they differ in {listing([*unlike])}."
            )
    lines += [
        f"{level.suite} {level.measure.name} of {level.key}: {level.ungraded} of "
        f"{level.graded + level.ungraded} samples are ungraded; if they all went one way, the "
        f"figure could lie anywhere from {writing.level(level.worst.low, level.measure.unit)} to "
        f"{writing.level(level.worst.high, level.measure.unit)}."
        for level in levels
        if level.worst
        and level.measure.role is Role.MAIN
        and level.ungraded > MUCH_UNGRADED * (level.graded + level.ungraded)
    ]
    if expected:
        lines.append(
            "Published figures come from other models, data and judges: standing beside ours, they "
            "are a landmark and no test."
        )
    return tuple(lines)


def _setting(value: object) -> str:
    """A setting in words; of a path, the name alone, as the rest is one machine's."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    text = str(value)
    return Path(text).name if Path(text).is_absolute() else text


def _sentence(found: Sequence[Comparison]) -> str:
    """One measure, its arms sorted by what their intervals say."""
    base = found[0].label.rpartition(" less ")[2]
    parts = []
    for reading in Reading:
        arms = [item for item in found if item.reading is reading]
        if not arms:
            continue
        told = listing([f"{item.arm} ({_figure(item)})" for item in arms])
        if reading is Reading.UNCLEAR:
            parts.append(f"no difference shown for {told}")
        else:
            parts.append(f"{reading} than {base} in {told}")
    measure = found[0].measure
    side = {
        Better.HIGHER: "higher is better",
        Better.LOWER: "lower is better",
        Better.NEITHER: "neither side is better",
    }[measure.better]
    return f"{measure.name} ({writing.unit_name(measure.unit)}, {side}): {'; '.join(parts)}."


def _figure(item: Comparison) -> str:
    unit = item.measure.unit
    return (
        f"{writing.change(item.estimate.value, unit)} {writing.change_between(item.estimate, unit)}"
    )
