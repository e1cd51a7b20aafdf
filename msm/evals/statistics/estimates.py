"""What a measurement is: values with their clusters in, a mean with its interval out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


class Interval(NamedTuple):
    """Both ends of a 95 % interval, in the unit of the values."""

    low: float
    high: float


class Sign(StrEnum):
    """What an interval says about zero."""

    ABOVE = "above zero"
    BELOW = "below zero"
    UNCLEAR = "not distinguishable from zero"


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval, in the unit of the values (nats, or shares from 0 to 1).

    ``clusters`` and ``items`` are those of one seed; ``by_seed`` holds each seed's own mean. ``p``
    is two-sided for a mean of zero: the level at which the interval would just touch zero, and
    never below what the resamples can tell, 2 / (resamples + 1).
    """

    value: float
    low: float
    high: float
    clusters: int
    items: int
    seeds: int
    by_seed: tuple[float, ...]
    p: float

    @property
    def sign(self) -> Sign:
        """Above or below zero if the whole interval is."""
        if self.low > 0:
            return Sign.ABOVE
        return Sign.BELOW if self.high < 0 else Sign.UNCLEAR


@dataclass(frozen=True)
class Stratum:
    """The values of one axis: ``values[seed, item]`` and the cluster number of each item.

    ``name`` seeds the draws, so that one axis is resampled alike in every estimate.
    """

    name: str
    values: Floats
    clusters: NDArray[np.intp]

    @property
    def cluster_count(self) -> int:
        """How many clusters the items form."""
        return int(self.clusters.max()) + 1
