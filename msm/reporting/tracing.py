"""From the figures of a report back to the scores that each of them comes from."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence

from msm.evals.items import slug
from msm.evals.measurement import Role
from msm.reporting.arms import ArmRow, Cell
from msm.reporting.contrasts import ContrastResult
from msm.reporting.origins import Figure
from msm.reporting.pairs import Pairs
from msm.reporting.scores import OWN, ArmKey, Source
from msm.reporting.suites.loading import ROLE
from msm.reporting.suites.samples import START, SuiteFolder
from msm.reporting.suites.view import SuitesView
from msm.reporting.tables import rounded, slugs

WORD_PAIRS = "word-pairs"


def trace(pairs: Pairs | None, suites: SuitesView | None) -> list[Figure]:
    """Every figure of a report, in the order in which its tables have them."""
    return [
        *(_of_pairs(pairs) if pairs else ()),
        *(_of_suites(suites) if suites else ()),
    ]


def identities(pairs: Pairs | None, suites: SuitesView | None) -> Mapping[str, str]:
    """The identity behind each input role; "" for a folder without a record."""
    found = {source.role: source.identity for source in pairs.sources} if pairs else {}
    folders = suites.suites.folders if suites else ()
    return found | {f"{ROLE}{folder.name}": folder.identity for folder in folders}


def _place(suite: str, key: ArmKey, *rest: str) -> str:
    return "/".join(part for part in (slug(suite), key.arm, key.spec, *map(slug, rest)) if part)


def _of_pairs(pairs: Pairs) -> Iterator[Figure]:
    for arm in pairs.arms:
        roles = _roles(pairs.sources, {arm.key}, arm.seeds)
        for cell in arm.cells:
            yield from _of_cell(arm, cell, roles)
    names = slugs([result.contrast.label for result in pairs.contrasts])
    for name, result in zip(names, pairs.contrasts, strict=True):
        yield from _of_contrast(f"contrasts/{name}", result, pairs.sources)


def _of_cell(arm: ArmRow, cell: Cell, roles: tuple[str, ...]) -> Iterator[Figure]:
    role = Role.MAIN if cell.own_axis and cell.frame == OWN else Role.DETAIL
    for unit, estimate, part in (("nats", cell.mean, ""), ("share", cell.share, " share")):
        yield Figure(
            key=_place(WORD_PAIRS, arm.key, f"{cell.axis} {cell.frame}{part}"),
            role=role.value,
            unit=unit,
            estimate=rounded(estimate.value),
            low=rounded(estimate.low),
            high=rounded(estimate.high),
            n=estimate.clusters,
            counted="word pairs",
            seeds=arm.seeds,
            sources=roles,
        )


def _of_contrast(key: str, result: ContrastResult, sources: Sequence[Source]) -> Iterator[Figure]:
    roles = _roles(sources, set(result.arms), result.seeds)
    for place, estimate in (
        (key, result.overall),
        *((f"{key}/{slug(axis)}", part) for axis, part in result.axes),
    ):
        yield Figure(
            key=place,
            role=Role.MAIN.value if place == key else Role.DETAIL.value,
            unit="nats",
            estimate=rounded(estimate.value),
            low=rounded(estimate.low),
            high=rounded(estimate.high),
            n=estimate.clusters,
            counted="word pairs",
            seeds=result.seeds,
            sources=roles,
        )


def _of_suites(view: SuitesView) -> Iterator[Figure]:
    folders = view.suites.folders
    for level in view.levels:
        yield Figure(
            key=_place(level.suite, level.key, level.measure.name),
            role=level.measure.role.value,
            unit=level.measure.unit.value,
            estimate=_number(level.value),
            low=_number(level.interval.low if level.interval else None),
            high=_number(level.interval.high if level.interval else None),
            n=level.graded,
            counted="graded samples",
            seeds=level.seeds,
            sources=_measured(folders, level.suite, {level.key}, level.seeds),
        )
    yield from _of_comparisons(view)
    yield from _of_cells(view)
    yield from _of_scaling(view)


def _of_comparisons(view: SuitesView) -> Iterator[Figure]:
    """Differences between arms; those of main measures are named as in ``metrics.json``."""
    ordered = sorted(view.comparisons, key=lambda item: item.measure.role is not Role.MAIN)
    labels = [f"{item.suite} {item.measure.name} {item.label}" for item in ordered]
    for name, item in zip(slugs(labels), ordered, strict=True):
        yield Figure(
            key=f"comparisons/{name}",
            role=item.measure.role.value,
            unit=item.measure.unit.value,
            estimate=rounded(item.estimate.value),
            low=rounded(item.estimate.low),
            high=rounded(item.estimate.high),
            n=item.estimate.items,
            counted="items",
            seeds=item.seeds,
            sources=_measured(view.suites.folders, item.suite, set(item.arms), item.seeds),
        )


def _of_cells(view: SuitesView) -> Iterator[Figure]:
    for heat in view.heat:
        for block in heat.blocks:
            level = view.level("agentic", heat.measure.name, block.key)
            seeds = level.seeds if level else ()
            for cell in (cell for row in block.rows for cell in row if cell is not None):
                name = f"{cell.action.value} {cell.goal.value}"
                yield Figure(
                    key=_place("agentic", block.key, heat.measure.name, name),
                    role=Role.DETAIL.value,
                    unit=heat.measure.unit.value,
                    estimate=_number(cell.share),
                    low=None,
                    high=None,
                    n=cell.graded,
                    counted="graded samples",
                    seeds=seeds,
                    sources=_measured(view.suites.folders, "agentic", {block.key}, seeds),
                )


def _of_scaling(view: SuitesView) -> Iterator[Figure]:
    for name, result in zip(slugs([r.label for r in view.scaling]), view.scaling, strict=True):
        keys = {key for curve in result.curves for key in curve.keys}
        points = sum(len(curve.points) for curve in result.curves)
        seeds = tuple(sorted({f.seed for f in view.suites.folders if f.key in keys}))
        interval = result.saving.interval
        yield Figure(
            key=f"scaling/{name}",
            role=Role.MAIN.value,
            unit="times",
            estimate=_number(result.saving.factor),
            low=_number(interval.low if interval else None),
            high=_number(interval.high if interval else None),
            n=points,
            counted="points of both curves",
            seeds=seeds,
            sources=_measured(view.suites.folders, result.suite, keys, seeds),
        )


def _roles(
    sources: Sequence[Source], keys: Collection[ArmKey], seeds: Collection[int]
) -> tuple[str, ...]:
    return tuple(s.role for s in sources if s.key in keys and s.seed in seeds)


def _measured(
    folders: Sequence[SuiteFolder], suite: str, keys: Collection[ArmKey], seeds: Collection[int]
) -> tuple[str, ...]:
    """The folders of these arms and seeds; an untrained arm's stand for every seed."""
    return tuple(
        f"{ROLE}{folder.name}"
        for folder in folders
        if folder.suite == suite
        and folder.key in keys
        and (folder.seed in seeds or folder.key.arm == START)
    )


def _number(value: float | None) -> float | None:
    """As tables give it; None for none, and for a saving without end, which JSON cannot say."""
    return None if value is None or not math.isfinite(value) else rounded(value)
