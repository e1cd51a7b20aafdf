"""What recipes and configs are made of: frozen, typed, and an unknown key is an error."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A part of a recipe."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StageConfig(Part):
    """What a stage is to make. Every field is part of the output's identity."""

    def identity_fields(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return self.model_dump(mode="json")
