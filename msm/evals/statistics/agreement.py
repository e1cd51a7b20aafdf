"""How far two raters agree beyond chance: a judge and the labelled set, or two judges."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.special import ndtri

from msm.evals.statistics.estimates import LEVEL, Interval, Whole
from msm.evals.statistics.rates import wilson


class Weights(StrEnum):
    """How much a disagreement counts; by distance only where labels are in order, as scores are."""

    EQUAL = "equal"
    LINEAR = "linear"
    QUADRATIC = "quadratic"


@dataclass(frozen=True)
class Agreement:
    """The share of cases rated alike with its Wilson interval, and Cohen's kappa with its own.

    ``kappa`` is None where both raters gave one and the same label to every case: chance alone
    would have done as well, and the labelled set cannot tell.
    """

    cases: int
    share: float
    share_interval: Interval
    kappa: float | None
    kappa_interval: Interval | None


def agreement(
    first: Sequence[Hashable],
    second: Sequence[Hashable],
    labels: Sequence[Hashable],
    weights: Weights = Weights.EQUAL,
) -> Agreement:
    """Agreement of two raters on the same cases; ``labels`` are all there are, scores in order.

    Kappa's interval is normal on Fisher's z scale with the variance of Fleiss, Cohen and Everitt
    (Psychological Bulletin 1969), since the plain normal one covers 45 of 100 for a judge that is
    almost always right. Where all cases agree, or none do and kappa is -1, that variance is zero;
    the ends are then what kappa would be at the ends of the share.

    Raises:
        ValueError: there are no cases, the raters rated different numbers of them, or one gave a
            label that is not listed.
    """
    from statsmodels.stats.inter_rater import cohens_kappa

    table = _table(first, second, labels)
    cases, alike = int(table.sum()), int(np.trace(table))
    share_interval = wilson(alike, cases)
    if share_interval is None:
        raise ValueError("agreement needs at least one case")
    kappa: float | None = None
    kappa_interval: Interval | None = None
    margins = table.sum(axis=0), table.sum(axis=1)
    chance = float(margins[0] @ margins[1]) / cases**2
    if chance < 1:
        asked = None if weights is Weights.EQUAL else weights.value
        result = cohens_kappa(table, wt=asked)
        kappa = float(result.kappa)
        if alike == cases or kappa <= -1:
            ends = ((end - chance) / (1 - chance) for end in share_interval)
            kappa_interval = Interval(*(max(-1.0, end) for end in ends))
        else:
            kappa_interval = _on_z_scale(kappa, float(result.std_kappa))
    return Agreement(cases, alike / cases, share_interval, kappa, kappa_interval)


def _table(
    first: Sequence[Hashable], second: Sequence[Hashable], labels: Sequence[Hashable]
) -> Whole:
    """``table[label of first, label of second]``: how many cases."""
    number = {label: index for index, label in enumerate(labels)}
    unknown = sorted({str(label) for label in (*first, *second) if label not in number})
    if unknown:
        raise ValueError(f"labels that are not listed: {', '.join(unknown)}")
    table = np.zeros((len(labels), len(labels)), dtype=np.int64)
    for one, other in zip(first, second, strict=True):
        table[number[one], number[other]] += 1
    return table


def _on_z_scale(kappa: float, error: float) -> Interval:
    reach = float(ndtri((1 + LEVEL) / 2)) * error / (1 - kappa**2)
    centre = float(np.arctanh(kappa))
    return Interval(float(np.tanh(centre - reach)), float(np.tanh(centre + reach)))
