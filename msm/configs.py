"""The config of each stage: what it is to make, and nothing about how."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msm.recipe import (
    Analysis,
    Corpus,
    DemonstrationKind,
    Lora,
    Optimisation,
    Precision,
    StageConfig,
)


class PlanConfig(StageConfig):
    """Plan ``documents`` rows. ``shuffle_seed`` turns the spec into its shuffled control first."""

    assistant: str
    provider: str
    author: str
    documents: int
    shuffle_seed: int | None
    seed: int


class WriteConfig(StageConfig):
    """Write one document for each planned row."""

    assistant: str
    provider: str
    author: str
    shuffle_seed: int | None


class CurateConfig(StageConfig):
    """Filter documents; ``corpus`` holds the thresholds."""

    assistant: str
    corpus: Corpus


class DemonstrateConfig(StageConfig):
    """Make one set of chats."""

    kind: DemonstrationKind
    count: int
    seed: int


class Phase(StrEnum):
    """A training phase: plain text with loss on every token, or chats with loss on answers."""

    DOCUMENTS = "documents"
    CHATS = "chats"


class TrainConfig(StageConfig):
    """One training phase; it continues the adapter of the checkpoint it is given, if any."""

    phase: Phase
    optimisation: Optimisation
    lora: Lora
    precision: Precision
    seed: int


class EvaluateConfig(StageConfig):
    """Score a checkpoint on the held-out pairs and on the in-domain items."""

    precision: Precision
    batch_size: int


class ArmResult(StageConfig):
    """Which arm, spec and seed a set of scores belongs to (``spec`` is empty without documents)."""

    arm: str
    spec: str
    seed: int


class ReportConfig(StageConfig):
    """The analysis over all scores; ``results`` says what each input role holds.

    ``order`` is the order in which the report shows them: a mapping's own is in no identity.
    """

    experiment: str
    summary: str
    assistant: str
    specs: tuple[str, ...]
    order: tuple[str, ...]
    results: Mapping[str, ArmResult]
    analysis: Analysis


class RegisterConfig(StageConfig):
    """What to log and which arm to register; ``checkpoints`` maps input roles to their arm."""

    experiment: str
    model: str
    arm: str
    assistant: str
    student: str
    results: Mapping[str, ArmResult]
