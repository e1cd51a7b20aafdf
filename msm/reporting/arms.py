"""Each arm by itself: where its preferences lie on every axis and in every frame."""

from __future__ import annotations

from dataclasses import dataclass

from msm.analysis import Analysis
from msm.evals.statistics import Estimate, Stratum, clusters_won, estimate, estimate_share
from msm.reporting.scores import FRAMES, ArmKey, Layout, Scores


@dataclass(frozen=True)
class Cell:
    """One arm on one axis in one frame: mean score in nats, share of items won, pairs won."""

    axis: str
    frame: str
    own_axis: bool
    mean: Estimate
    share: Estimate
    pairs_won: int
    pairs: int


@dataclass(frozen=True)
class ArmRow:
    """One arm; ``control`` marks a spec to which no axis belongs, such as a shuffled one."""

    key: ArmKey
    seeds: tuple[int, ...]
    control: bool
    cells: tuple[Cell, ...]

    def cell(self, axis: str, frame: str) -> Cell:
        """The cell of an axis and a frame."""
        return next(c for c in self.cells if (c.axis, c.frame) == (axis, frame))


def describe_arms(scores: Scores, analysis: Analysis) -> tuple[ArmRow, ...]:
    """One row an arm, in the recipe's order; in-domain items come last in a row."""
    layouts = [*scores.axes, *([scores.in_domain] if scores.in_domain else [])]
    specs = {layout.spec for layout in scores.axes}
    return tuple(
        ArmRow(
            key=key,
            seeds=arm.seeds,
            control=bool(key.spec) and key.spec not in specs,
            cells=tuple(
                _cell(scores, key, layout, frame, analysis)
                for layout in layouts
                for frame in FRAMES
            ),
        )
        for key, arm in scores.arms.items()
    )


def _cell(scores: Scores, key: ArmKey, layout: Layout, frame: str, analysis: Analysis) -> Cell:
    arm = scores.arms[key]
    stratum = Stratum(layout.axis, arm.of(layout.axis, frame, arm.seeds), layout.clusters)
    _, (mean,) = estimate([stratum], analysis.resamples, analysis.seed)
    won, pairs = clusters_won(stratum)
    return Cell(
        axis=layout.axis,
        frame=frame,
        own_axis=bool(key.spec) and layout.spec == key.spec,
        mean=mean,
        share=estimate_share(stratum, analysis.resamples, analysis.seed),
        pairs_won=won,
        pairs=pairs,
    )
