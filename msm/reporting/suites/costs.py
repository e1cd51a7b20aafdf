"""Data and cost of what the report reads, out of the records of its inputs.

Seconds and cost depend on the machine and the day. They stand on the page and in ``costs.csv``, and
in no figure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from msm.record import read_record

WORD_PAIRS = "word pairs"


@dataclass(frozen=True)
class Cost:
    """What an input, or ``inputs`` of them, took; ``tokens`` are the stage's own, the others those
    of its models.
    """

    role: str
    stage: str
    inputs: int
    rows: int
    tokens: int
    requests: int
    tokens_in: int
    tokens_out: int
    seconds: float
    cost: float


def costs(inputs: Mapping[str, Path]) -> tuple[Cost, ...]:
    """One for each input that has a record, in the order of the roles."""
    found = []
    for role in sorted(inputs):
        record = read_record(inputs[role])
        if record is None:
            continue
        models = record.outcome.models.values()
        found.append(
            Cost(
                role=role,
                stage=record.stage,
                inputs=1,
                rows=record.outcome.rows_out,
                tokens=record.outcome.tokens,
                requests=sum(use["requests"] for use in models),
                tokens_in=sum(use["tokens_in"] + use["tokens_cached"] for use in models),
                tokens_out=sum(use["tokens_out"] for use in models),
                seconds=record.seconds,
                cost=record.outcome.cost or sum(use["cost"] for use in models),
            )
        )
    return tuple(found)


def by_kind(
    found: Sequence[Cost], suites: Mapping[str, str], pairs: Collection[str]
) -> tuple[Cost, ...]:
    """Summed over the folders of a suite (``suites`` by role) and over those of word pairs.

    Inputs of other kinds are summed by their stage.
    """
    kinds: dict[tuple[str, str], list[Cost]] = {}
    for item in found:
        kind = suites.get(item.role) or (WORD_PAIRS if item.role in pairs else "")
        kinds.setdefault((item.stage, kind), []).append(item)
    return tuple(_sum(kind or stage, stage, items) for (stage, kind), items in kinds.items())


def total(found: Sequence[Cost]) -> Cost:
    """The sum of all."""
    return _sum("total", "", found)


def _sum(role: str, stage: str, found: Sequence[Cost]) -> Cost:
    return Cost(
        role=role,
        stage=stage,
        inputs=sum(item.inputs for item in found),
        rows=sum(item.rows for item in found),
        tokens=sum(item.tokens for item in found),
        requests=sum(item.requests for item in found),
        tokens_in=sum(item.tokens_in for item in found),
        tokens_out=sum(item.tokens_out for item in found),
        seconds=sum(item.seconds for item in found),
        cost=round(sum(item.cost for item in found), 6),
    )
