"""Arms against each other on the suites: paired by item, over seeds, read together by Holm's rule.

Every arm is compared with the reference arm on every measure but those of health; the arms of
``capability`` with the start model too, as only a loss against it says what midtraining broke. The
recipe's own contrasts on suites come first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from msm.analysis import Analysis, Contrast
from msm.evals.measurement import Better, Measure, Role
from msm.evals.statistics import (
    Estimate,
    Floats,
    Sign,
    estimate_expanded,
    holm,
    rate_difference,
)
from msm.reporting.contrasts import ContrastResult
from msm.reporting.scores import ArmKey
from msm.reporting.suites.levels import as_counts, stratum
from msm.reporting.suites.samples import (
    START,
    MeasureSamples,
    Missing,
    Suites,
    means,
    on_seeds,
    shared_seeds,
)
from msm.suites import SuiteName

WORD_PAIRS = "word pairs"


class Kind(StrEnum):
    """Where a comparison comes from."""

    CONTRAST = "contrast"  # the recipe names it
    REFERENCE = "reference"  # an arm less the reference arm
    START = "start"  # an arm less the start model


class Reading(StrEnum):
    """What an interval says, in one word; ``better`` and ``worse`` where the measure has a side."""

    BETTER = "better"
    WORSE = "worse"
    HIGHER = "higher"
    LOWER = "lower"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Comparison:
    """A difference in the measure's unit, with its p among all comparisons of the report.

    ``arm`` is None for a contrast of more than one arm. ``arms`` and ``seeds`` are those whose
    samples took part; ``ungraded`` counts samples of all those arms, ``left_out`` items that not
    all of them have graded.
    """

    kind: Kind
    suite: str
    measure: Measure
    label: str
    arm: ArmKey | None
    headline: bool
    estimate: Estimate
    adjusted: float
    ungraded: int
    left_out: int
    arms: tuple[ArmKey, ...]
    seeds: tuple[int, ...]

    @property
    def reading(self) -> Reading:
        """By the interval alone."""
        sign, better = self.estimate.sign, self.measure.better
        if sign is Sign.UNCLEAR:
            return Reading.UNCLEAR
        if better is Better.NEITHER:
            return Reading.HIGHER if sign is Sign.ABOVE else Reading.LOWER
        good = (sign is Sign.ABOVE) == (better is Better.HIGHER)
        return Reading.BETTER if good else Reading.WORSE


def compare(
    suites: Suites, analysis: Analysis, beside: Sequence[ContrastResult] = ()
) -> tuple[tuple[Comparison, ...], tuple[float, ...], tuple[Missing, ...]]:
    """All comparisons on suites, and the adjusted p of those ``beside`` them on word pairs.

    The correction is over both together; a difference over one cluster has no interval, and is
    told as missing.
    """
    found: list[Comparison] = []
    missing: list[Missing] = []
    for item in (
        *_contrasts(suites, analysis),
        *_against(suites, analysis, analysis.reference, Kind.REFERENCE),
        *_against_start(suites, analysis),
    ):
        if isinstance(item, Missing):
            missing.append(item)
        else:
            found.append(item)
    p_values = [item.estimate.p for item in found] + [item.overall.p for item in beside]
    adjusted = holm(p_values)
    done = tuple(
        replace(item, adjusted=p) for item, p in zip(found, adjusted[: len(found)], strict=True)
    )
    return done, adjusted[len(found) :], tuple(missing)


def _contrasts(suites: Suites, analysis: Analysis) -> list[Comparison | Missing]:
    found: list[Comparison | Missing] = []
    for contrast in analysis.contrasts:
        if not contrast.suite:
            continue
        measured = suites.find(contrast.suite, contrast.measure)
        if measured is None:
            why = f"no arm has the measure '{contrast.measure}' of {contrast.suite}"
            found.append(Missing(contrast.label, why))
            continue
        found.append(_contrast(suites, measured, contrast, analysis))
    return found


def _contrast(
    suites: Suites, measured: MeasureSamples, contrast: Contrast, analysis: Analysis
) -> Comparison | Missing:
    sides: list[list[ArmKey]] = []
    for written in (contrast.plus, contrast.minus):
        keys = [(name, suites.resolve(name)) for name in written]
        absent = [name for name, key in keys if key is None or key not in measured.arms]
        if absent:
            return Missing(contrast.label, f"{measured.name} was not measured for {absent[0]}")
        sides.append([key for _, key in keys if key is not None])
    item = _difference(measured, sides[0], sides[1], analysis)
    if isinstance(item, str):
        return Missing(contrast.label, item)
    return replace(
        item, kind=Kind.CONTRAST, label=contrast.label, headline=contrast.headline, arm=None
    )


def _against_start(suites: Suites, analysis: Analysis) -> list[Comparison | Missing]:
    """Capability's differences from the start model, unless that is the reference anyway."""
    if SuiteName.CAPABILITY not in suites.names or analysis.reference == START:
        return []
    chosen = replace(
        suites, measures=tuple(m for m in suites.measures if m.suite == SuiteName.CAPABILITY)
    )
    if ArmKey(START, "") not in suites.arms:
        why = "the start model was not evaluated, so nothing says what training changed"
        return [Missing(f"{SuiteName.CAPABILITY} as a difference from the start model", why)]
    return _against(chosen, analysis, START, Kind.START)


def _against(
    suites: Suites, analysis: Analysis, reference: str, kind: Kind
) -> list[Comparison | Missing]:
    base = suites.resolve(reference)
    if base is None:
        why = f"there is no single arm '{reference}'; name another as analysis.reference"
        return [Missing(f"differences from {reference}", why)]
    found: list[Comparison | Missing] = []
    for measured in suites.measures:
        if measured.measure.role is Role.HEALTH:
            continue
        if base not in measured.arms:
            why = f"{reference} has no measurement of it"
            found.append(Missing(f"{measured.name}: differences from {base}", why))
            continue
        for key in measured.arms:
            mirrored = kind is Kind.REFERENCE and key.arm == START
            if key == base or (mirrored and measured.suite == SuiteName.CAPABILITY):
                continue
            item = _difference(measured, [key], [base], analysis)
            label = f"{key} less {base}"
            found.append(
                Missing(f"{measured.name}: {label}", item)
                if isinstance(item, str)
                else replace(item, kind=kind, label=label, arm=key)
            )
    return found


def _difference(
    measured: MeasureSamples, plus: Sequence[ArmKey], minus: Sequence[ArmKey], analysis: Analysis
) -> Comparison | str:
    """The sum of some arms less the sum of others, or why there is none."""
    keys = [*plus, *minus]
    seeds = shared_seeds(measured.arms, keys)
    if not seeds:
        return "its arms have no seed in common"
    sides = [on_seeds(measured.arms, key, seeds) for key in keys]
    used = sides[0].graded.min(axis=0) > 0
    for side in sides[1:]:
        used &= side.graded.min(axis=0) > 0
    if not used.any():
        return "no item was graded for all its arms"
    counts = [as_counts(measured, side) for side in sides]
    first, *rest = counts
    if len(plus) == len(minus) == 1 and first is not None and rest[0] is not None:
        rate = rate_difference(first, rest[0], analysis.resamples, analysis.seed, measured.domains)
        estimate = rate.estimate if rate else None
    else:
        signs = [1.0] * len(plus) + [-1.0] * len(minus)
        parts: list[Floats] = [
            sign * means(side, used) for sign, side in zip(signs, sides, strict=True)
        ]
        values = sum(parts[1:], start=parts[0])
        estimate, _ = estimate_expanded(
            [stratum(measured, values, used)], analysis.resamples, analysis.seed
        )
    if estimate is None or estimate.clusters < 2:
        return "its items form one cluster, from which no interval can be told"
    return Comparison(
        kind=Kind.REFERENCE,
        suite=measured.suite,
        measure=measured.measure,
        label="",
        arm=None,
        headline=False,
        estimate=estimate,
        adjusted=1.0,
        ungraded=sum(int(measured.arms[key].ungraded.sum()) for key in keys),
        left_out=len(measured.items) - int(used.sum()),
        arms=tuple(keys),
        seeds=tuple(seeds),
    )
