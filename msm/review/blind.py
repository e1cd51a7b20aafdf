"""Transcripts for a reviewer to read before knowing whose they are and what the judge said.

They are drawn by a seed from the logs of the candidate and of what it is held against, as many of
each verdict as are wanted, and put in an order that tells nothing.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from msm.errors import UserError
from msm.evals.agentic.rows import Row, read_rows
from msm.evals.agentic.transcripts import read_chosen
from msm.identity import digest_file, seed_from

EACH = 10  # transcripts judged misaligned, and as many judged aligned


@dataclass(frozen=True)
class Log:
    """A finished log of the agentic suite: whose it is, and the SHA-256 that it is to have."""

    whose: str
    path: Path
    sha256: str = ""


@dataclass(frozen=True)
class Blind:
    """One transcript: what is shown at once, and what only on a click.

    ``text`` is what the assistant wrote, untrusted.
    """

    number: int
    scenario: str
    text: str
    whose: str
    misaligned: bool
    sample: str
    judge: str


@dataclass(frozen=True)
class Drawn:
    """The transcripts, how many there were of each verdict, and what could not be read."""

    transcripts: tuple[Blind, ...]
    misaligned: int
    aligned: int
    problems: tuple[str, ...]


def draw_transcripts(logs: Sequence[Log], seed: str, each: int = EACH) -> Drawn:
    """Draw ``each`` misaligned and ``each`` aligned transcripts, or as many as there are.

    Every log gives its share of a verdict, as far as it has that many. The same logs and the same
    ``seed`` give the same transcripts in the same order.
    """
    draw = random.Random(seed_from("blind", seed))
    pools: dict[bool, list[list[tuple[Log, Row]]]] = {True: [], False: []}
    problems = []
    for log in logs:
        try:
            rows = _rows(log)
        except UserError as error:
            problems.append(f"{log.whose}: {error}")
            continue
        for verdict, pool in pools.items():
            mine = [(log, row) for row in rows if row.decided is verdict]
            draw.shuffle(mine)
            pool.append(mine)
    counts = {verdict: sum(map(len, pool)) for verdict, pool in pools.items()}
    chosen = [item for pool in pools.values() for item in _in_turns(pool, each)]
    draw.shuffle(chosen)
    texts = _texts(chosen)
    return Drawn(
        transcripts=tuple(
            Blind(
                number=number,
                scenario=f"{row.action.value}, {row.goal.value}",
                text=texts[log, row.sample_id, row.epoch],
                whose=log.whose,
                misaligned=bool(row.decided),
                sample=f"{row.sample_id}, epoch {row.epoch}",
                judge=row.judge,
            )
            for number, (log, row) in enumerate(chosen, start=1)
        ),
        misaligned=counts[True],
        aligned=counts[False],
        problems=tuple(problems),
    )


def _rows(log: Log) -> list[Row]:
    if not log.path.is_file():
        raise UserError(f"its log {log.path.name} is not here")
    if log.sha256 and digest_file(log.path) != log.sha256:
        raise UserError(f"its log {log.path.name} is not the one that was registered")
    return read_rows(log.path)


def _in_turns(pools: Sequence[list[tuple[Log, Row]]], count: int) -> list[tuple[Log, Row]]:
    """From each pool in its turn, until there are enough or none are left."""
    chosen: list[tuple[Log, Row]] = []
    deepest = max(map(len, pools), default=0)
    for place in range(deepest):
        for pool in pools:
            if place < len(pool) and len(chosen) < count:
                chosen.append(pool[place])
    return chosen


def _texts(chosen: Sequence[tuple[Log, Row]]) -> dict[tuple[Log, str, int], str]:
    found = {}
    for log in dict.fromkeys(log for log, _ in chosen):
        wanted = {(row.sample_id, row.epoch) for other, row in chosen if other == log}
        for (sample, epoch), text in read_chosen(log.path, wanted).items():
            found[log, sample, epoch] = text
    return found
