"""How to run, as opposed to what to make: none of this is part of an identity."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Execution(BaseModel):
    """Where and how fast to run. Changing it changes no output's identity."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: str = Field(default="cpu", description="torch device: cpu, cuda, cuda:0")
    threads: int = Field(default=1, ge=1, description="CPU threads of one stage")
    jobs: int = Field(default=2, ge=1, description="stages that `msm run` keeps going at once")
    checkpoint_minutes: float = Field(
        default=1.0, gt=0, description="minutes between two checkpoints within a training stage"
    )
