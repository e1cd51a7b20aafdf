"""The code of a registered model, as MLflow runs it: models from code, so nothing is pickled.

MLflow copies this file beside the weights and runs it from there; the rest comes from the installed
package, of the version that the model's metadata names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas  # type: ignore[import-untyped]
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel


class AnsweringModel(PythonModel):  # type: ignore[misc]  # MLflow's class is not typed
    """Answers prompts: the start model with what was trained of it."""

    def load_context(self, context: Any) -> None:
        """Find the start model, check its digest, and load both."""
        from msm.registry.assistant import open_assistant

        self.assistant = open_assistant(Path(context.artifacts["start"]).parents[1])

    def predict(
        self, context: Any, model_input: pandas.DataFrame, params: dict[str, Any] | None = None
    ) -> pandas.DataFrame:
        """A table with a column ``answer``, one row for each row with a ``prompt``."""
        from msm.registry.assistant import Sampling, asked_in

        asked = asked_in(model_input.to_dict("records"))
        answers = self.assistant.answer(asked, Sampling(**(params or {})))
        return pandas.DataFrame({"answer": answers})


set_model(AnsweringModel())
