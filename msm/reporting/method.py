"""How the figures were measured and what they do not show: generated from what was scored."""

from __future__ import annotations

from collections.abc import Sequence

from msm.analysis import Analysis
from msm.evals.items import Suite
from msm.reporting.contrasts import ContrastResult
from msm.reporting.figures import listing
from msm.reporting.scores import Scores


def how_measured(
    suite: Suite, scores: Scores, analysis: Analysis, assistant: str
) -> tuple[str, ...]:
    """One sentence or two each: items, score, frames, contrasts, intervals."""
    axes = [
        f"{axis.axis} ({axis.cluster_count} word pairs, {len(axis.clusters)} items; "
        f"belongs to the spec {axis.spec})"
        for axis in scores.axes
    ]
    frames = [f"{f.name}: “{f.question}” answered “{f.answer} …”" for f in suite.frames]
    domains = len({*suite.products.values()})
    return (
        f"Axes: {listing(axes)}. An item is two phrases for one product that differ in one "
        f"attribute; the products come from {domains} domains.",
        f"Score of an item: log-probability of the option the spec favours less that of the other, "
        f"in nats, mean of both option orders. {assistant} answers under its own system prompt.",
        f"Frames: {'; '.join(frames)}. Own less other is taken item by item.",
        "Contrasts were fixed in the recipe. Each is taken item by item on every axis, with the "
        "spec of that axis as target, and then averaged over axes, which weigh alike. “Derived” "
        "marks one that the recipe does not list and that the rule for stacking needs.",
        _intervals(len(scores.seeds), analysis),
        "A share of items won that is 0 or 100 % takes the open end of its interval from Wilson's, "
        "with the word pairs as cases. A word pair is won if the mean of its items is above zero.",
    )


def threats(scores: Scores, results: Sequence[ContrastResult]) -> tuple[str, ...]:
    """What a reader should hold against the figures."""
    headline = sum(result.contrast.headline for result in results)
    seeds = (
        "One seed: nothing here says how far another training run would differ."
        if len(scores.seeds) == 1
        else f"{len(scores.seeds)} seeds: the spread between training runs is known only roughly, "
        "which the intervals pay for with their width."
    )
    return (
        seeds,
        "The word pairs were chosen by hand; the intervals speak of pairs like them, and of this "
        "one student and one recipe.",
        f"{headline} headline contrasts stand side by side without a correction for their number: "
        "with no effect at all, one in twenty would still exclude zero.",
        "Log-probabilities of two given options are no behaviour: they say what the model leans to "
        "under one question form, not what it does.",
        "The somebody-else frame is one name and one sentence; so narrow a control can miss "
        "what is specific to the assistant, and can find it by accident.",
        "A mean over axes can hide that one axis moved and the other did not; read the axes.",
        "“Not distinguishable from zero” is no evidence of no effect; the interval says which "
        "effects are ruled out.",
    )


def _intervals(seeds: int, analysis: Analysis) -> str:
    """How the intervals were made, and how often they hold the truth.

    The coverage is that of ``python -m tests.simulated_experiments``.
    """
    resamples = (
        f"{analysis.resamples:,} bootstrap resamples (seed {analysis.seed}) of word pairs within "
        "each axis"
    )
    if seeds == 1:
        return (
            f"Intervals: 95 % percentiles of {resamples}. In simulation they cover the truth in "
            "about 94 of 100 experiments with 24 word pairs an axis."
        )
    return (
        f"Intervals: 95 %, expanded percentiles of {resamples}, joined with Student's t over seeds "
        f"({seeds - 1} degree{'s' if seeds > 2 else ''} of freedom). In simulation they cover the "
        "truth in 94 to 98 of 100 experiments with 24 word pairs an axis and two to four seeds."
    )
