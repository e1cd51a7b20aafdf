"""Killing a stage at random moments, for any stage that asks a model."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")

PATIENCE_SECONDS = 120


def kill_at_random_moments(
    start: Callable[[], subprocess.Popen[str]],
    answered: Callable[[], int],
    look: Callable[[], Seen],
    times: int,
    most: int,
    seed: int,
) -> list[Seen]:
    """Start a command and ``kill -9`` it, so many times; returns what ``look`` saw after each.

    A moment is a number of further answers (0 to ``most``) and some milliseconds on top, so that
    it falls within the work however slow the machine is; at 0 it falls into the start.
    """
    chance = random.Random(seed)
    seen = []
    for _ in range(times):
        further, pause = chance.randint(0, most), chance.uniform(0, 0.05)
        before = answered()
        process = start()
        if further == 0:
            time.sleep(20 * pause)
        until = time.monotonic() + PATIENCE_SECONDS
        while answered() < before + further:
            assert process.poll() is None, "it ended before its time: give it more to do"
            assert time.monotonic() < until, "it asks nothing"
            time.sleep(0.002)
        time.sleep(pause)
        assert process.poll() is None, "it ended before its time: give it more to do"
        process.kill()
        process.communicate()
        seen.append(look())
    return seen
