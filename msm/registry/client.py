"""MLflow's client, imported with telemetry and noise off. Nothing else here imports MLflow."""

from __future__ import annotations

from msm.registry.server import quieten

quieten()  # MLflow reads its environment on import

from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import (  # noqa: E402
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
    Metric,
    Param,
    RunTag,
)
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore  # noqa: E402
from mlflow.telemetry import set_telemetry_client  # noqa: E402

set_telemetry_client()  # takes it down again where MLflow was imported before this module

__all__ = [
    "Dataset",
    "DatasetInput",
    "InputTag",
    "LoggedModelInput",
    "LoggedModelOutput",
    "Metric",
    "MlflowClient",
    "MlflowException",
    "Param",
    "RunTag",
    "SqlAlchemyStore",
]
