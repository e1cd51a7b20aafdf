"""Wrong options of like length, so that neither the longest nor the shortest gives itself away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msm.identity import seed_from

WRONG = 3
# A wrong option may be so much shorter or longer than the right one, as a share of its characters.
APART = 0.6


def of_like_length(right: str, groups: Sequence[Iterable[str]], key: str) -> tuple[str, ...] | None:
    """Three wrong options from ``groups`` (sources, such as other specs), or None.

    Sources take turns. Which place the right option gets when all four are ranked by length is
    drawn from ``key``, so a model that only weighs length does no better than chance.
    """
    pools = [_usable(right, group) for group in groups]
    pools = [pool for pool in pools if pool]
    if not pools:
        return None
    shorter_wanted = seed_from("length rank", key) % (WRONG + 1)
    chosen: list[str] = []
    for turn in range(WRONG):
        sources = [pools[(turn + n) % len(pools)] for n in range(len(pools))]
        shorter = sum(len(text) < len(right) for text in chosen) < shorter_wanted
        found = _nearest(right, sources, chosen, shorter)
        if found is None:
            return None
        chosen.append(found)
    return tuple(chosen)


def _usable(right: str, group: Iterable[str]) -> list[str]:
    near = APART * len(right)
    texts = {text for text in group if text != right and abs(len(text) - len(right)) <= near}
    return sorted(texts, key=lambda text: (abs(len(text) - len(right)), seed_from(right, text)))


def _nearest(
    right: str, sources: Sequence[Sequence[str]], taken: Sequence[str], shorter: bool
) -> str | None:
    """The nearest in length on the side that is wanted, else on the other; by order of sources."""
    for side in (shorter, not shorter):
        for source in sources:
            for text in source:
                if text not in taken and (len(text) < len(right)) is side:
                    return text
    return None
