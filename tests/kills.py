"""Killing a stage at random moments, for any stage that asks a model."""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import time
from collections.abc import Callable, Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TypeVar

Seen = TypeVar("Seen")

PATIENCE_SECONDS = 120
# What takes a command seconds to import, and makes nothing: each process starts with it.
IMPORTED = [
    "inspect_ai.model._providers.openai_compatible",
    "msm.corpus.plan",
    "msm.corpus.write",
    "msm.demonstrations.demonstrate",
    "msm.run",
    "openai.resources.chat.completions",
    "tests.kills",
    "transformers.models.bert.modeling_bert",
]
TOO_LITTLE = "it ended before its time: give it more to do"


def kill_at_random_moments(
    arguments: list[str],
    folder: Path,
    answered: Callable[[], int],
    look: Callable[[], Seen],
    times: int,
    most: int,
    seed: int,
) -> list[Seen]:
    """Start ``msm ARGUMENTS`` and ``kill -9`` it, so many times; returns what ``look`` saw then.

    A moment is a number of further answers (0 to ``most``) and some milliseconds on top, so that
    it falls within the work however slow the machine is; at 0 it falls into the start.
    """
    chance = random.Random(seed)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    seen = []
    for _ in range(times):
        further, pause = chance.randint(0, most), chance.uniform(0, 0.05)
        before = answered()
        process = context.Process(target=_msm, args=(arguments, folder, dict(os.environ)))
        process.start()
        _wait(process, lambda least=before + further: answered() >= least)  # type: ignore[misc]
        time.sleep(pause)
        assert process.is_alive(), TOO_LITTLE
        process.kill()
        process.join()
        seen.append(look())
    return seen


def _wait(process: BaseProcess, reached: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not reached():
        assert process.is_alive(), TOO_LITTLE
        assert time.monotonic() < until, "it asks nothing"
        time.sleep(0.002)


def _msm(arguments: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    from msm.cli import main

    os.environ.update(environment)
    os.chdir(folder)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        sys.stdout = sys.stderr = nowhere
        main(arguments)
