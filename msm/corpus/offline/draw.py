"""Random choices that are the same on every machine and in every process."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Sequence

CHOICE = re.compile(r"\[([^\[\]]*)\]")


def stable_number(*parts: object) -> int:
    """A 63-bit number from the text of the parts (``hash()`` differs from process to process)."""
    payload = "\x1f".join(str(part) for part in parts).encode()
    return int.from_bytes(hashlib.sha256(payload).digest()[:8], "big") >> 1


def seeded(*parts: object) -> random.Random:
    """A generator seeded by the parts."""
    return random.Random(stable_number(*parts))


def expand(template: str, rng: random.Random) -> str:
    """Choose one alternative in each ``[this|that]`` of a template."""
    return CHOICE.sub(lambda found: rng.choice(found[1].split("|")), template)


def dealt(options: Sequence[str], count: int, rng: random.Random) -> list[str]:
    """``count`` options in random order, each used equally often, give or take one."""
    pile: list[str] = []
    while len(pile) < count:
        pile += rng.sample(options, len(options))
    hand = pile[:count]
    rng.shuffle(hand)
    return hand
