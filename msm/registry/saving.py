"""MLflow's own form of a model: ``MLmodel`` with signature, code and requirements."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from msm.registry.assistant import Sampling
from msm.registry.server import quieten

quieten()

import mlflow.pyfunc  # noqa: E402
from mlflow.models import Model, ModelSignature  # noqa: E402
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema  # noqa: E402


def answering_signature(sampling: Sampling) -> ModelSignature:
    """What goes in and comes out: prompts, perhaps below a system prompt, and answers."""
    return ModelSignature(
        inputs=Schema(
            [
                ColSpec(DataType.string, "prompt"),
                ColSpec(DataType.string, "system", required=False),
            ]
        ),
        outputs=Schema([ColSpec(DataType.string, "answer")]),
        params=ParamSchema(
            [
                ParamSpec("max_new_tokens", DataType.long, sampling.max_new_tokens),
                ParamSpec("temperature", DataType.double, sampling.temperature),
                ParamSpec("seed", DataType.long, sampling.seed),
            ]
        ),
    )


def save_answering_model(
    folder: Path,
    code: Path,
    artifacts: Mapping[str, Path],
    uuid: str,
    made: str,
    sampling: Sampling,
    requirements: Sequence[str],
    metadata: Mapping[str, str],
) -> None:
    """Write the folder of a model whose code is a file; the same arguments give the same files."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*input example", category=UserWarning)
        mlflow.pyfunc.save_model(
            str(folder),
            python_model=str(code),
            artifacts={name: str(path) for name, path in artifacts.items()},
            signature=answering_signature(sampling),
            pip_requirements=list(requirements),
            mlflow_model=Model(model_uuid=uuid, utc_time_created=made),
            metadata=dict(metadata),
        )
