"""What an experiment consists of: tasks, each one run of one stage, and what they read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from msm.parts import StageConfig
from msm.suites import SuiteName


class Stage(StrEnum):
    """The eight stages, in order."""

    PLAN = "plan"
    WRITE = "write"
    CURATE = "curate"
    DEMONSTRATE = "demonstrate"
    TRAIN = "train"
    EVALUATE = "evaluate"
    REPORT = "report"
    REGISTER = "register"


@dataclass(frozen=True)
class FileInput:
    """A file that a person wrote: a spec, or a file of eval prompts."""

    path: Path


@dataclass(frozen=True)
class StudentInput:
    """The recipe's start model."""


@dataclass(frozen=True)
class EmbeddingsInput:
    """The packaged model that tells questions which say the same."""


@dataclass(frozen=True)
class PromptsInput:
    """The prompts of an evaluation suite, which training text is kept clear of."""

    suite: SuiteName


@dataclass(frozen=True)
class GivenInput:
    """The checkpoint that an arm of the recipe names, trained elsewhere."""

    arm: str


@dataclass(frozen=True)
class OutputInput:
    """What another task makes."""

    stage: Stage
    name: str


Input = FileInput | StudentInput | EmbeddingsInput | PromptsInput | GivenInput | OutputInput


@dataclass(frozen=True)
class Task:
    """One run of one stage. ``name`` is unique within the stage and names the output folder."""

    stage: Stage
    name: str
    config: StageConfig
    inputs: Mapping[str, Input]

    @property
    def label(self) -> str:
        """``stage/name``."""
        return f"{self.stage}/{self.name}"

    @property
    def needs(self) -> tuple[OutputInput, ...]:
        """The outputs it reads."""
        return tuple(item for item in self.inputs.values() if isinstance(item, OutputInput))


def arm_label(arm: str, spec: str, seed: int) -> str:
    """``arm[-spec]-sSEED``, the name of an arm's outputs."""
    return "-".join(part for part in (arm, spec, f"s{seed}") if part)
