"""Where the commands keep MLflow's runs."""

from __future__ import annotations

import os
from pathlib import Path


def track_in(workspace: Path) -> None:
    """Keep MLflow's file in the workspace, unless MLFLOW_TRACKING_URI names another place."""
    os.environ.setdefault("MLFLOW_TRACKING_URI", f"sqlite:///{workspace.resolve() / 'mlflow.db'}")
