"""The contrasts that the recipe fixed before the runs: which arms, on which axis, how large."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from msm.analysis import Analysis, Contrast
from msm.evals.statistics import Estimate, Floats, Stratum, estimate
from msm.reporting.scores import OTHER, OWN, ArmKey, Layout, Scores

TARGET, OPPOSITE = "{target}", "{opposite}"
OWN_OTHER = "own-other"


class Kind(StrEnum):
    """What a contrast asks, told from its arms alone."""

    GAP = "gap"  # one arm: target's spec less the opposite spec
    WIDENING = "widening"  # the gap of one arm less the gap of another
    STEP = "step"  # one arm less another, each on the target's spec or on none
    OTHER = "other"


@dataclass(frozen=True)
class Shape:
    """A contrast's kind with its arms: ``arm`` is added, ``base`` (empty for a gap) taken off."""

    kind: Kind
    arm: str = ""
    base: str = ""

    @property
    def added(self) -> str:
        """What ``arm`` has that ``base`` lacks, by the parts of their names (``msm+aft``)."""
        return "+".join(part for part in _parts(self.arm) if part not in _parts(self.base))

    @property
    def replaced(self) -> str:
        """What ``base`` has that ``arm`` lacks: empty if ``arm`` only adds to it."""
        return "+".join(part for part in _parts(self.base) if part not in _parts(self.arm))


@dataclass(frozen=True)
class ContrastResult:
    """A contrast with its estimate in nats, over the axes and on each.

    ``derived`` marks one that the recipe does not list: a widening in own less other, which the
    rule for a claim of stacking needs. ``arms`` and ``seeds`` are those whose scores took part.
    """

    contrast: Contrast
    shape: Shape
    overall: Estimate
    axes: tuple[tuple[str, Estimate], ...]
    control: bool
    derived: bool
    arms: tuple[ArmKey, ...]
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class NotRun:
    """A contrast that could not be taken, and why."""

    label: str
    why: str


def shape_of(contrast: Contrast) -> Shape:
    """Recognise what a contrast asks."""
    plus = sorted(_split(reference) for reference in contrast.plus)
    minus = sorted(_split(reference) for reference in contrast.minus)
    match plus, minus:
        case [(arm, "{target}")], [(same, "{opposite}")] if arm == same:
            return Shape(Kind.GAP, arm)
        case [(arm, ("{target}" | "") as read)], [(base, ("{target}" | "") as base_read)] if (
            arm != base or read != base_read
        ):
            return Shape(Kind.STEP, arm, base)
        case [_, _], [_, _]:
            roles = {spec: arm for arm, spec in plus}
            mirrored = Counter({(roles.get(TARGET), OPPOSITE): 1, (roles.get(OPPOSITE), TARGET): 1})
            if set(roles) == {TARGET, OPPOSITE} and Counter(minus) == mirrored:
                return Shape(Kind.WIDENING, roles[TARGET], roles[OPPOSITE])
    return Shape(Kind.OTHER)


def take_contrasts(
    scores: Scores, analysis: Analysis
) -> tuple[tuple[ContrastResult, ...], tuple[NotRun, ...]]:
    """Estimate every contrast on word pairs; one whose arms are missing is left out, and noted.

    A widening by an added part, in the own frame, brings its twin in own less other, where the
    recipe has none.
    """
    done, left_out = [], []
    on_pairs = [contrast for contrast in analysis.contrasts if not contrast.suite]
    for contrast, derived in _with_twins(on_pairs):
        result = _take(contrast, derived, scores, analysis)
        if isinstance(result, ContrastResult):
            done.append(result)
        elif not derived:
            left_out.append(result)
    return tuple(done), tuple(left_out)


def _with_twins(contrasts: Iterable[Contrast]) -> list[tuple[Contrast, bool]]:
    listed = list(contrasts)
    asked = [(shape_of(contrast), contrast.frame) for contrast in listed]
    twins = [
        contrast.model_copy(
            update={
                "label": f"{contrast.label}, own less other",
                "frame": OWN_OTHER,
                "headline": False,
            }
        )
        for contrast, (shape, frame) in zip(listed, asked, strict=True)
        if shape.kind is Kind.WIDENING
        and not shape.replaced
        and frame == OWN
        and (shape, OWN_OTHER) not in asked
    ]
    return [*((contrast, False) for contrast in listed), *((twin, True) for twin in twins)]


def _take(
    contrast: Contrast, derived: bool, scores: Scores, analysis: Analysis
) -> ContrastResult | NotRun:
    references = (*contrast.plus, *contrast.minus)
    if any(OPPOSITE in reference for reference in references) and len(scores.axes) != 2:
        return NotRun(
            contrast.label, f"{OPPOSITE} needs two axes, and there are {len(scores.axes)}"
        )
    terms = {
        layout.axis: [
            (sign, _resolve(reference, layout, scores))
            for sign, side in ((1, contrast.plus), (-1, contrast.minus))
            for reference in side
        ]
        for layout in scores.axes
    }
    keys = list(dict.fromkeys(key for signed in terms.values() for _, key in signed))
    missing = [str(key) for key in keys if key not in scores.arms]
    if missing:
        return NotRun(contrast.label, f"no scores of {', '.join(missing)}")
    seeds = sorted(set.intersection(*(set(scores.arms[key].seeds) for key in keys)))
    if not seeds:
        return NotRun(contrast.label, "its arms have no seed in common")

    def signed_sum(axis: str, frame: str) -> Floats:
        parts = [sign * scores.arms[key].of(axis, frame, seeds) for sign, key in terms[axis]]
        return sum(parts[1:], start=parts[0])

    strata = []
    for layout in scores.axes:
        if contrast.frame == OWN_OTHER:
            values = signed_sum(layout.axis, OWN) - signed_sum(layout.axis, OTHER)
        else:
            values = signed_sum(layout.axis, contrast.frame)
        strata.append(Stratum(layout.axis, values, layout.clusters))
    overall, parts = estimate(strata, analysis.resamples, analysis.seed)
    specs = {layout.spec for layout in scores.axes}
    return ContrastResult(
        contrast=contrast,
        shape=shape_of(contrast),
        overall=overall,
        axes=tuple((s.name, part) for s, part in zip(strata, parts, strict=True)),
        control=any(key.spec and key.spec not in specs for key in keys),
        derived=derived,
        arms=tuple(keys),
        seeds=tuple(seeds),
    )


def _resolve(reference: str, layout: Layout, scores: Scores) -> ArmKey:
    others = [other.spec for other in scores.axes if other.axis != layout.axis]
    arm, spec = _split(reference)
    spec = spec.replace(TARGET, layout.spec).replace(OPPOSITE, others[0] if others else "")
    return ArmKey(arm, spec)


def _split(reference: str) -> tuple[str, str]:
    arm, _, spec = reference.partition(":")
    return arm, spec


def _parts(arm: str) -> list[str]:
    return [part for part in arm.split("+") if part]
