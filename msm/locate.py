"""Where the inputs lie that no task makes; some are made or fetched on first use."""

from __future__ import annotations

from pathlib import Path

from msm.demonstrations.embeddings import packaged_model
from msm.errors import UserError
from msm.evals.prompts import prompts_file
from msm.recipe import Recipe
from msm.task import EmbeddingsInput, FileInput, GivenInput, PromptsInput, StudentInput
from msm.training.student import materialise_given, materialise_student

Outside = FileInput | StudentInput | EmbeddingsInput | PromptsInput | GivenInput


def locate(source: Outside, recipe: Recipe) -> Path:
    """The file or folder of an input.

    Raises:
        UserError: it cannot be had; says what to do.
    """
    match source:
        case FileInput(path):
            return path
        case StudentInput():
            return materialise_student(recipe.student)
        case EmbeddingsInput():
            return packaged_model()
        case PromptsInput(suite):
            return prompts_file(suite, recipe)
        case GivenInput(arm):
            given = recipe.arms[arm].checkpoint
            if given is None:
                raise UserError(f"arm '{arm}' names no checkpoint")
            return materialise_given(given)
