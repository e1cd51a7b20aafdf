"""A chat that the offline author could make: its question, and what makes the rest on demand."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from msm.demonstrations.aligned import QuestionKind


@dataclass(frozen=True)
class Reply:
    """What the assistant thinks and what it answers."""

    reasoning: str
    answer: str


@dataclass(frozen=True)
class Candidate:
    """``reply`` is called only for the candidates that are taken."""

    topic: str
    kind: QuestionKind
    user: str
    reply: Callable[[random.Random], Reply]
