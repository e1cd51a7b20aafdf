"""Packing: seconds to plan an epoch, and how full its packs are.

    python benchmarks/packing.py

Four corpora with lengths drawn at random: the documents of the paper's larger experiments, short
chats, a long tail of both, and documents that hardly share a pack. Fill is tokens over packs times
the longest pack; one thread, all of ``plan_steps`` in the time. The aim is 98 %.
"""

from __future__ import annotations

import random
import time

from msm.training.packing import fill
from msm.training.schedule import plan_steps
from msm.training_settings import Optimisation


def corpora() -> dict[str, tuple[list[int], Optimisation]]:
    """Lengths in tokens, and settings, by name."""
    chance = random.Random(0)
    documents = [chance.randint(1_000, 6_000) for _ in range(13_000)]
    chats = [min(2_048, 20 + round(chance.lognormvariate(5, 0.8))) for _ in range(80_000)]
    wide = [chance.randint(3_000, 4_500) for _ in range(13_000)]
    long = Optimisation(maximum_length=8_192, batch_size=32)
    short = Optimisation(maximum_length=4_096, batch_size=32)
    return {
        "13,000 documents of 1,000 to 6,000": (documents, long),
        "80,000 chats of about 220": (chats, short),
        "both": (documents + chats, long),
        "13,000 documents of 3,000 to 4,500": (wide, long),
    }


def main() -> None:
    """Print a line for each corpus."""
    for name, (lengths, settings) in corpora().items():
        started = time.perf_counter()
        plan = plan_steps(lengths, settings, seed=0)
        seconds = time.perf_counter() - started
        packs = [pack for step in plan for pack in step]
        assert sorted(row for pack in packs for row in pack) == list(range(len(lengths)))
        longest = max(sum(lengths[row] for row in pack) for pack in packs)
        print(
            f"{name:36} {seconds:5.2f} s  fill {100 * fill(lengths, packs):6.2f} %  "
            f"{len(plan)} steps of {len(plan[0])} packs, longest {longest} of "
            f"{settings.maximum_length}"
        )


if __name__ == "__main__":
    main()
