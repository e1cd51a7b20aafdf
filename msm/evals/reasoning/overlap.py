"""Merging reasons that occur together: two names for what is one reason in these transcripts.

The overlap of two reasons is the share of transcripts with the one that have the other too, taken
both ways, and the smaller of the two: ``|A and B| / max(|A|, |B|)``. So more than 75 % means that
each occurs with the other in more than three of four of its transcripts. The overlap coefficient,
``|A and B| / min(|A|, |B|)``, would merge any rare reason into a frequent one that it comes along
with, although the frequent one mostly occurs without it; it is reported as ``contained``, and
merges nothing. The Jaccard index is stricter than the share that the paper names: two reasons of
equal size that share 80 % of their transcripts have a Jaccard index of 67 %.

Reasons of two sides are never merged, and neither are such as hardly ever occur together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from msm.evals.reasoning.reasons import Reason

MERGE_ABOVE = 0.75
# Fewer transcripts in common say little: with 10 of 10, the 95 % interval begins at 72 %.
LEAST_TOGETHER = 10


@dataclass(frozen=True)
class Overlap:
    """Two reasons of one side: in how many transcripts each is, and both are."""

    first: str
    second: str
    of_first: int
    of_second: int
    together: int

    @property
    def share(self) -> float:
        """The overlap that merges: the smaller of the two shares."""
        return self.together / max(self.of_first, self.of_second)

    @property
    def contained(self) -> float:
        """The larger of the two shares: how far the rarer reason lies within the other."""
        return self.together / min(self.of_first, self.of_second)


@dataclass(frozen=True)
class Merged:
    """Reasons that are reported as one; ``count`` transcripts have at least one of them.

    ``overlap`` is the smallest of any two of them.
    """

    names: tuple[str, ...]
    count: int
    overlap: float


def overlaps(reasons: Sequence[Reason], found: Sequence[Sequence[str]]) -> list[Overlap]:
    """All pairs of one side that occur together at all, the largest overlap first.

    ``found`` holds the reasons of each classified transcript.
    """
    within = _within(reasons, found)
    pairs = [
        Overlap(
            one.name,
            other.name,
            len(within[one.name]),
            len(within[other.name]),
            len(within[one.name] & within[other.name]),
        )
        for one, other in combinations(reasons, 2)
        if one.side is other.side
    ]
    together = [pair for pair in pairs if pair.together]
    return sorted(together, key=lambda pair: (-pair.share, pair.first, pair.second))


def merge(reasons: Sequence[Reason], found: Sequence[Sequence[str]]) -> list[Merged]:
    """Groups in which any two reasons overlap by more than 75 %, the surest pairs joined first."""
    within = _within(reasons, found)
    shares = {
        frozenset((pair.first, pair.second)): pair.share
        for pair in overlaps(reasons, found)
        if pair.share > MERGE_ABOVE and pair.together >= LEAST_TOGETHER
    }
    group_of: dict[str, tuple[str, ...]] = {reason.name: (reason.name,) for reason in reasons}
    for pair in shares:  # from the largest overlap down
        first, second = sorted(pair, key=list(within).index)
        joined = (*group_of[first], *group_of[second])
        if group_of[first] != group_of[second] and _least(joined, shares) > MERGE_ABOVE:
            group_of |= dict.fromkeys(joined, joined)
    groups = dict.fromkeys(group for group in group_of.values() if len(group) > 1)
    return [
        Merged(group, len(set().union(*(within[name] for name in group))), _least(group, shares))
        for group in groups
    ]


def _within(reasons: Sequence[Reason], found: Sequence[Sequence[str]]) -> dict[str, set[int]]:
    """For each reason, the numbers of the transcripts that have it."""
    return {
        reason.name: {number for number, names in enumerate(found) if reason.name in names}
        for reason in reasons
    }


def _least(group: Sequence[str], shares: dict[frozenset[str], float]) -> float:
    return min(shares.get(frozenset(pair), 0.0) for pair in combinations(group, 2))
