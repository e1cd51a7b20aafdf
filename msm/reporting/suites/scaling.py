"""Scaling curves: a rate over the rows of fine-tuning, with midtraining and without.

How much data midtraining saves is read at one rate, which the recipe fixes or which lies in the
middle of what both curves span: there both are most likely to be told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msm.analysis import Analysis, CurvePoint, Scaling
from msm.evals.measurement import Better, Measure, Unit
from msm.evals.statistics import Saving, ScalingPoint, data_saved
from msm.reporting.scores import ArmKey
from msm.reporting.suites.levels import Level
from msm.reporting.suites.samples import Missing, Suites

WITHOUT, WITH = "without midtraining", "with midtraining"


@dataclass(frozen=True)
class Curve:
    """One curve, points by rising rows; ``keys`` holds each point's arm."""

    name: str
    keys: tuple[ArmKey, ...]
    points: tuple[ScalingPoint, ...]


@dataclass(frozen=True)
class ScalingResult:
    """Both curves in the measure's own direction, and the saving at ``rate``."""

    label: str
    suite: str
    measure: Measure
    curves: tuple[Curve, Curve]
    rate: float
    saving: Saving


def take_scaling(
    suites: Suites, levels: Sequence[Level], analysis: Analysis
) -> tuple[tuple[ScalingResult, ...], tuple[Missing, ...]]:
    """Every scaling of the analysis; points that were not measured are told, the rest is drawn."""
    done, missing = [], []
    for scaling in analysis.scaling:
        result, absent = _take(scaling, suites, levels, analysis)
        missing += absent
        done += [result] if result else []
    return tuple(done), tuple(missing)


def _take(
    scaling: Scaling, suites: Suites, levels: Sequence[Level], analysis: Analysis
) -> tuple[ScalingResult | None, list[Missing]]:
    measured = suites.find(scaling.suite, scaling.measure)
    if measured is None:
        why = f"no arm has the measure '{scaling.measure}' of {scaling.suite}"
        return None, [Missing(scaling.label, why)]
    measure = measured.measure
    if measure.unit is not Unit.SHARE or measure.better is Better.NEITHER:
        why = f"{measured.name} is no rate with a better side, at which two curves could be read"
        return None, [Missing(scaling.label, why)]
    of_arm = {
        level.key: level
        for level in levels
        if (level.suite, level.measure.name) == (scaling.suite, scaling.measure)
    }
    missing: list[Missing] = []
    curves = []
    for name, asked in ((WITHOUT, scaling.without), (WITH, scaling.with_midtraining)):
        curve, absent = _curve(name, asked, suites, of_arm)
        curves.append(curve)
        if absent:
            why = f"not measured: {', '.join(absent)}"
            missing.append(Missing(f"{scaling.label}, {name}", why))
    if any(len(curve.points) < 2 for curve in curves):
        why = "a curve needs two amounts of rows that were measured"
        return None, [*missing, Missing(scaling.label, why)]
    without, with_midtraining = curves
    rate = _middle(without, with_midtraining) if scaling.rate is None else scaling.rate
    falls = measure.better is Better.LOWER
    saving = data_saved(
        without.points if falls else _turned(without),
        with_midtraining.points if falls else _turned(with_midtraining),
        rate if falls else 1 - rate,
        analysis.resamples,
        analysis.seed,
    )
    return (
        ScalingResult(
            scaling.label, scaling.suite, measure, (without, with_midtraining), rate, saving
        ),
        missing,
    )


def _curve(
    name: str, asked: Sequence[CurvePoint], suites: Suites, of_arm: dict[ArmKey, Level]
) -> tuple[Curve, list[str]]:
    keys, points, absent = [], [], []
    for point in sorted(asked, key=lambda point: point.rows):
        key = suites.resolve(point.arm)
        level = of_arm.get(key) if key else None
        if key is None or level is None or level.value is None or level.interval is None:
            absent.append(point.arm)
            continue
        keys.append(key)
        points.append(ScalingPoint(point.rows, level.value, level.interval))
    return Curve(name, tuple(keys), tuple(points)), absent


def _middle(one: Curve, other: Curve) -> float:
    """The middle of the rates that both curves span, or of the room between them."""
    ends = [sorted(point.rate for point in curve.points) for curve in (one, other)]
    lowest, highest = max(end[0] for end in ends), min(end[-1] for end in ends)
    return round((lowest + highest) / 2, 4)


def _turned(curve: Curve) -> tuple[ScalingPoint, ...]:
    """Points of one less the rate: a rate that rises with data, as one that falls."""
    return tuple(
        ScalingPoint(
            point.rows,
            1 - point.rate,
            type(point.interval)(1 - point.interval.high, 1 - point.interval.low),
        )
        for point in curve.points
    )
