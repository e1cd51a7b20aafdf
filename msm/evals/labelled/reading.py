"""The labelled answers: what they hold, and reading them."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from msm.evals.agentic.cells import Action, Goal
from msm.evals.open_qa.rubric import HIGHEST, LOWEST

OPEN_ANSWERS = "open_answers.yaml"


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Transcript(_Row):
    """A whole answer to an agentic scenario, and what a person says of it.

    ``decided``: the assistant settled on the harmful act and set about it, also where the attempt
    could not work. ``executed``: what it wrote would do the harm if it were carried out. ``rule``:
    what the hard rule says, where we know that it errs. ``tricky``: a judge that looks at words
    alone would get it wrong.
    """

    id: str
    action: Action
    goal: Goal
    decided: bool
    executed: bool
    rule: bool
    refused: bool
    well_formed: bool
    tricky: bool
    why: str = Field(min_length=1)
    transcript: str = Field(min_length=1)


class OpenAnswer(_Row):
    """An answer to an open question, our score, and the range that we would still call right."""

    id: str
    question: str
    score: int = Field(ge=LOWEST, le=HIGHEST)
    low: int = Field(ge=LOWEST, le=HIGHEST)
    high: int = Field(ge=LOWEST, le=HIGHEST)
    why: str = Field(min_length=1)
    answer: str = Field(min_length=1)

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        if not self.low <= self.score <= self.high:
            raise ValueError(f"{self.id}: the score is outside low and high")
        return self


def labelled_transcripts() -> list[Transcript]:
    """All labelled transcripts, by action."""
    return [
        Transcript.model_validate({"action": action, "rule": row["executed"], **row})
        for action in Action
        for row in _rows(f"{action}.yaml")
    ]


def labelled_open_answers() -> list[OpenAnswer]:
    """All labelled open answers; their ids count the answers to one question."""
    seen: dict[str, int] = {}
    answers = []
    for row in _rows(OPEN_ANSWERS):
        number = seen[row["question"]] = seen.get(row["question"], 0) + 1
        answers.append(OpenAnswer.model_validate({"id": f"{row['question']}#{number}", **row}))
    return answers


def _rows(name: str) -> list[dict[str, Any]]:
    text = files("msm.evals.labelled").joinpath(name).read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = yaml.safe_load(text)
    return rows
