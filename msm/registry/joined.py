"""The MLflow run that the pipeline's backend has begun for a task, joined where there is one."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from msm.registry.live import PARENT_VARIABLE
from msm.registry.server import environment, fault_reason, public_uri, quieten, tracking_uri

_LIMITS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}


def join_run(experiment: str, output: str, shown: Mapping[str, Any]) -> None:
    """Tag the run of ``MLFLOW_RUN_ID`` with what a task made, its numbers as metrics.

    Nothing without that variable. A tracking server that is away ends no task: the record has it
    all, and ``register`` logs it again.
    """
    run = os.environ.get(PARENT_VARIABLE)
    if run:
        tags = {"msm.experiment": experiment, "msm.output": output}
        mark_run(run, tags, shown)


def mark_run(run: str, tags: Mapping[str, str], shown: Mapping[str, Any]) -> bool:
    """Tags and figures on a run that is there; returns whether the server took them."""
    uri = tracking_uri()
    quieten()
    with environment(_LIMITS):
        from msm.registry.client import Metric, MlflowClient, RunTag

        now = time.time_ns() // 1_000_000
        metrics = [
            Metric(f"msm/{key}", float(value), now, 0)
            for key, value in shown.items()
            if isinstance(value, int | float)
        ]
        texts = {key: value for key, value in shown.items() if isinstance(value, str)}
        marks = {**tags, **{f"msm.{key}": value for key, value in texts.items()}}
        try:
            client = MlflowClient(uri, uri)
            client.log_batch(
                run, metrics=metrics, tags=[RunTag(k, v[:5000]) for k, v in marks.items()]
            )
        except Exception as error:  # of whatever kind: the task itself is done
            reason = fault_reason(str(error) or type(error).__name__)
            print(f"msm: MLflow at {public_uri(uri)}: {reason}", file=sys.stderr)
            return False
    return True


def mark_pipeline(task_run: str, experiment: str, state: str, figures: Mapping[str, float]) -> bool:
    """Mark the MLflow run of a whole pipeline with how it ended.

    Args:
        task_run: the run that the backend began for the last task; its parent is the pipeline's.
            Where it is empty a run is begun, in the experiment.
        experiment: the recipe's name.
        state: as KFP says it: SUCCEEDED, FAILED or CANCELLED.
        figures: the ledger's sums.

    Returns:
        Whether the server took them; what it did not take stands in the ledger.
    """
    uri = tracking_uri()
    if not task_run and urlsplit(uri).scheme not in ("http", "https"):
        return False  # a file that no other task of the pipeline has seen
    quieten()
    with environment(_LIMITS):
        from msm.registry.client import MlflowClient
        from msm.registry.tracker import ensure_experiment

        tags = {"msm.experiment": experiment, "msm.state": state}
        try:
            client = MlflowClient(uri, uri)
            if task_run:
                parent = client.get_run(task_run).data.tags.get("mlflow.parentRunId", task_run)
                return mark_run(parent, tags, figures)
            place = ensure_experiment(client, uri, experiment or "pipelines")
            run = client.create_run(place, run_name="pipeline", tags=tags).info.run_id
            marked = mark_run(run, tags, figures)
            client.set_terminated(run, "FINISHED" if state == "SUCCEEDED" else "FAILED")
        except Exception as error:  # of whatever kind: the ledger has it all
            reason = fault_reason(str(error) or type(error).__name__)
            print(f"msm: MLflow at {public_uri(uri)}: {reason}", file=sys.stderr)
            return False
    return marked
