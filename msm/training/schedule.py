"""What each optimiser step of a run computes: its packs of rows, and its learning rate.

The plan follows from rows, settings and seed alone, never from the number of processes, so that a
run may go on with another number of them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from msm.errors import UserError
from msm.identity import seed_from
from msm.training.packing import fewest_packs, pack
from msm.training_settings import Optimisation

SLACK = 1.01  # by how much trading rows may lengthen the longest pack: fill stays above 98 %
TRADES = 16  # tried for each row; a seed's packs then have little in common with another's
MOST_TRADES = 1_000_000  # some seconds

Pack = tuple[int, ...]  # row numbers, laid one behind another in one sequence
Step = tuple[Pack, ...]


def steps_of_an_epoch(rows: int, optimisation: Optimisation) -> int:
    """Optimiser steps in which every row is seen once; packing changes nothing about them."""
    return math.ceil(rows / optimisation.batch_size)


def check_lengths(lengths: Sequence[int], optimisation: Optimisation) -> None:
    """Check that every row, of so many tokens, fits into a pack.

    Raises:
        UserError: a row is longer than the maximum.
    """
    longest = max(lengths, default=0)
    if longest > optimisation.maximum_length:
        raise UserError(
            f"a row has {longest} tokens, more than maximum_length {optimisation.maximum_length}; "
            "raise it in the recipe: nothing is cut off silently"
        )


def plan_steps(lengths: Sequence[int], optimisation: Optimisation, seed: int) -> list[Step]:
    """The packs of every step of a run; ``lengths`` are the rows' tokens.

    Every epoch sees every row once. All steps have the same number of packs, none over
    ``maximum_length``; a pack is empty only where ``packs`` asks for more than there are rows.
    The seed decides which rows share a pack, their order in it, and the step of a pack: neither
    length nor packing order tells when a row is seen, or beside which others.

    Raises:
        UserError: a row is longer than the maximum, or so many packs do not hold the rows.
    """
    check_lengths(lengths, optimisation)
    steps = steps_of_an_epoch(len(lengths), optimisation)
    if not steps:
        return []
    packed = _packed(lengths, optimisation, steps)
    plan: list[Step] = []
    for epoch in range(optimisation.epochs):
        chance = random.Random(seed_from("order", seed, epoch))
        packs = _shuffled(packed, lengths, optimisation.maximum_length, chance)
        plan += [tuple(packs[step::steps]) for step in range(steps)]
    return plan


def share_of(step: Step, rank: int, processes: int) -> list[Pack]:
    """The packs that one of so many processes computes; all get as many, some of them empty.

    A process without work still takes part in what the others do together.
    """
    mine = list(step[rank::processes])
    return mine + [()] * (math.ceil(len(step) / processes) - len(mine))


def warmup_steps(steps: int, warmup: float) -> int:
    """Steps over which the learning rate rises; at least one."""
    return max(1, round(warmup * steps))


def learning_rate(step: int, steps: int, peak: float, warmup: float) -> float:
    """Linear warm-up over ``warmup * steps`` steps, then a cosine down to zero after the last."""
    ramp = warmup_steps(steps, warmup)
    if step < ramp:
        return peak * (step + 1) / ramp
    done = (step - ramp + 1) / (steps - ramp + 1)
    return peak * 0.5 * (1 + math.cos(math.pi * done))


def _packed(lengths: Sequence[int], optimisation: Optimisation, steps: int) -> list[list[int]]:
    maximum = optimisation.maximum_length
    if not optimisation.packs:
        return fewest_packs(lengths, maximum, steps)
    packed = pack(lengths, optimisation.packs * steps, maximum)
    if packed is None:
        raise UserError(
            f"packs {optimisation.packs} of maximum_length {maximum} do not hold the rows of a "
            f"step, {round(sum(lengths) / steps)} tokens on average; raise packs, or leave it out"
        )
    return packed


def _shuffled(
    packed: Sequence[Sequence[int]],
    lengths: Sequence[int],
    maximum: int,
    chance: random.Random,
) -> list[Pack]:
    """One epoch's packs in their order: those with rows first, so that no step goes without."""
    packs: list[Pack] = []
    for members in _mixed(packed, lengths, maximum, chance):
        chance.shuffle(members)
        packs.append(tuple(members))
    chance.shuffle(packs)
    return sorted(packs, key=lambda members: not members)


def _mixed(
    packed: Sequence[Sequence[int]],
    lengths: Sequence[int],
    maximum: int,
    chance: random.Random,
) -> list[list[int]]:
    """Let rows trade places with others, as long as no pack grows beyond a little slack.

    Packing puts the same rows together each time; which rows share a step should be an accident.
    """
    packs = [list(members) for members in packed]
    tokens = [sum(lengths[row] for row in members) for members in packs]
    limit = min(maximum, math.floor(max(tokens) * SLACK))
    places = [(number, at) for number, members in enumerate(packs) for at in range(len(members))]
    for _ in range(min(TRADES * len(places), MOST_TRADES)):
        (one, here), (other, there) = chance.choice(places), chance.choice(places)
        more = lengths[packs[other][there]] - lengths[packs[one][here]]
        if one != other and tokens[one] + more <= limit and tokens[other] - more <= limit:
            packs[one][here], packs[other][there] = packs[other][there], packs[one][here]
            tokens[one] += more
            tokens[other] -= more
    return packs
