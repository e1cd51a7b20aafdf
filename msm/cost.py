"""What the models of an experiment have cost, summed from the records of its outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from msm.errors import UserError, nearest
from msm.record import read_record
from msm.task import Stage


@dataclass(frozen=True)
class Spent:
    """One role's use of one model, over all outputs of one stage.

    ``tokens_in`` holds those read from a cache, too; ``seconds`` is the sum over requests, which
    run side by side; ``cost`` is in US dollars; ``unusable`` counts the answers that had to be
    asked for again.
    """

    stage: str
    role: str
    model: str
    requests: int
    retries: int
    unusable: int
    tokens_in: int
    tokens_out: int
    seconds: float
    cost: float


def experiment_costs(root: Path, experiment: str) -> list[Spent]:
    """A row for each stage, role and model that was asked, in the order of the stages.

    Raises:
        UserError: ``root/outputs`` holds no such experiment.
    """
    outputs = root / "outputs"
    if not (outputs / experiment).is_dir():
        known = [path.name for path in outputs.iterdir()] if outputs.is_dir() else []
        raise UserError(f"{outputs} holds no experiment '{experiment}'{nearest(experiment, known)}")
    rows: dict[tuple[str, str, str], Spent] = {}
    for stage in Stage:
        for folder in sorted((outputs / experiment / stage).glob("*")):
            record = read_record(folder) if not folder.name.startswith(".") else None
            for role, use in (record.outcome.models if record else {}).items():
                spent = Spent(
                    stage=stage,
                    role=role,
                    model=use["model"],
                    requests=use["requests"],
                    retries=use["retries"],
                    unusable=sum(use["faults"].values()),
                    tokens_in=use["tokens_in"] + use["tokens_cached"],
                    tokens_out=use["tokens_out"],
                    seconds=use["seconds"],
                    cost=use["cost"],
                )
                key = (stage.value, role, spent.model)
                rows[key] = _sum([rows[key], spent]) if key in rows else spent
    return list(rows.values())


def total(rows: Sequence[Spent]) -> Spent:
    """The sum of all rows, as a row of its own."""
    return _sum([Spent("total", "", "", 0, 0, 0, 0, 0, 0.0, 0.0), *rows])


def _sum(rows: Sequence[Spent]) -> Spent:
    first = rows[0]
    return Spent(
        stage=first.stage,
        role=first.role,
        model=first.model,
        requests=sum(row.requests for row in rows),
        retries=sum(row.retries for row in rows),
        unusable=sum(row.unusable for row in rows),
        tokens_in=sum(row.tokens_in for row in rows),
        tokens_out=sum(row.tokens_out for row in rows),
        seconds=sum(row.seconds for row in rows),
        cost=round(sum(row.cost for row in rows), 6),
    )
