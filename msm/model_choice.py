"""Which model plays a role: the recipe's part on authors and judges."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from msm.parts import StageConfig

OFFLINE = "offline"
NO_MODEL = "none"


class ModelChoice(StageConfig):
    """Which model plays a role: any Inspect model name, such as ``openai-api/local/qwen3``.

    ``offline`` is the built-in author, which needs no model; ``none`` leaves a role empty. How
    the model is reached stands under ``execution``.
    """

    model: str = OFFLINE
    revision: str = Field(default="", description="a label for the weights behind the name")
    folder: str = Field(default="", description="for hf/local: the model's folder")
    temperature: float = Field(default=1.0, ge=0, description="paper: 1.0 for the author")
    top_p: float | None = Field(default=None, gt=0, le=1)

    @property
    def is_model(self) -> bool:
        """Whether there is a model behind the role at all."""
        return self.model not in (OFFLINE, NO_MODEL)

    def identity_fields(self) -> dict[str, Any]:
        """As JSON values, without the folder: its content is an input of the stage."""
        return self.model_dump(mode="json", exclude={"folder"})
