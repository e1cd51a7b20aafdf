"""Figures of a training run in MLflow while it runs. Whatever MLflow does, training goes on.

``put`` appends to a queue and returns; a thread of its own sends what has gathered, some seconds'
worth in one call. While MLflow is away the points stay in memory, and are sent when it is back.

The run is found again by the output's name and identity: a training that was cut goes on in the
same run, and the stage ``register`` takes that run instead of making a second one.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from msm.execution import Execution, LiveMetrics
from msm.registry.server import (
    PIPELINE_VARIABLE,
    URI_VARIABLE,
    environment,
    fault_reason,
    public_uri,
    quieten,
    tracking_uri,
)
from msm.stage import running_identity

PARENT_VARIABLE = "MLFLOW_RUN_ID"  # set by Kubeflow Pipelines for each task
PIPELINE_RUN = "msm.pipeline_run"
METRICS_PER_CALL = 1000  # MLflow's limit
SEND_SECONDS = 3.0
# One try for each call, since the next batch is the next try; see MLflow's environment variables.
_LIMITS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}


@dataclass(frozen=True)
class LiveSubject:
    """Which run it is: the experiment, the output as ``train/NAME``, and its identity."""

    experiment: str
    output: str
    identity: str


def open_live_log(execution: Execution) -> LiveLog | None:
    """The log of the output that the running stage makes, or None where none is wanted.

    To be called on the first of many processes alone. By itself it is on where
    ``MLFLOW_TRACKING_URI`` names a server; a SQLite file is not made for many writers. A stage's
    body that was called by itself makes no output that could be named, so it has no log.
    """
    uri = tracking_uri()
    wanted = execution.trainer.live_metrics
    server = urlsplit(uri).scheme in ("http", "https")
    if wanted is LiveMetrics.OFF or (wanted is LiveMetrics.AUTO and not server):
        return None
    experiment, _, output = execution.trainer.run.partition("/")
    identity = running_identity()
    if not (output and identity):
        return None
    return LiveLog(uri, LiveSubject(experiment, output, identity))


class LiveLog:
    """Sends figures to one run. ``put`` may be called from the training loop at every step."""

    def __init__(self, uri: str, subject: LiveSubject, seconds: float = SEND_SECONDS) -> None:
        """Start the sending thread; MLflow is not waited for."""
        self._uri, self._subject, self._seconds = uri, subject, seconds
        self._queue: deque[tuple[int, int, Mapping[str, float]]] = deque()
        self._pending: list[tuple[str, float, int, int]] = []
        self._client: Any = None
        self._run_id = ""
        self._status = ""
        self._reason = ""
        self._stop = threading.Event()
        self._settings = ExitStack()
        quieten()
        self._settings.enter_context(environment({**_LIMITS, URI_VARIABLE: uri}))
        self._thread = threading.Thread(target=self._work, name="live metrics", daemon=True)
        self._thread.start()

    def put(self, step: int, values: Mapping[str, float]) -> None:
        """Log a step's figures by name, some time soon. Never waits, never fails."""
        self._queue.append((time.time_ns() // 1_000_000, step, values))

    def close(self, status: str = "FINISHED", patience: float = 20.0) -> str:
        """Send the rest and end the run; waits ``patience`` seconds at most.

        ``status`` is one of MLflow's: FINISHED, FAILED or KILLED. Returns one line on what could
        not be sent, empty if all was.
        """
        self._status = status
        self._deadline = time.monotonic() + patience
        self._stop.set()
        self._thread.join(patience)
        self._settings.close()
        self._take()
        if not self._pending and not self._status:
            return ""
        left = len(self._pending)
        what = f"{left:,} points of live metrics" if left else "the end of the run"
        return (
            f"{what} could not be sent to MLflow at {public_uri(self._uri)} "
            f"({self._reason or 'no answer in time'}); the losses are in curve.csv"
        )

    def _work(self) -> None:
        while not self._stop.wait(self._seconds):
            self._send()
        while not self._send() and time.monotonic() + self._seconds < self._deadline:
            time.sleep(self._seconds)

    def _send(self) -> bool:
        """Send all there is; returns whether nothing is left to do."""
        self._take()
        try:
            if not self._run_id:
                self._open()
            while self._pending:
                chunk = self._pending[:METRICS_PER_CALL]
                self._log(chunk)
                del self._pending[: len(chunk)]
            if self._stop.is_set() and self._status:
                self._client.set_terminated(self._run_id, self._status)
                self._status = ""
        except Exception as error:  # of whatever kind: it must not end the training
            self._reason = fault_reason(str(error) or type(error).__name__)
            return False
        return True

    def _take(self) -> None:
        while self._queue:
            at, step, values = self._queue.popleft()
            self._pending += [
                (f"live/{key}", float(value), at, step)
                for key, value in values.items()
                if math.isfinite(value)
            ]

    def _log(self, chunk: list[tuple[str, float, int, int]]) -> None:
        from msm.registry.client import Metric

        metrics = [Metric(*point) for point in chunk]
        self._client.log_batch(self._run_id, metrics=metrics, synchronous=True)

    def _open(self) -> None:
        """Find the run or make it, and mark it as running."""
        from msm.registry.client import MlflowClient
        from msm.registry.database import make_database
        from msm.registry.tracker import LIVE, ensure_experiment

        make_database(self._uri)
        client = MlflowClient(self._uri, self._uri)
        experiment = ensure_experiment(client, self._uri, self._subject.experiment)
        run = find_live_run(client, experiment, self._subject)
        if run is None:
            tags = {
                "msm.stage": "train",
                "msm.output": self._subject.output,
                LIVE: self._subject.identity,
                "mlflow.source.name": "msm",
            }
            if parent := os.environ.get(PARENT_VARIABLE):
                tags |= {"mlflow.parentRunId": parent, PIPELINE_RUN: parent}
            if task_of := os.environ.get(PIPELINE_VARIABLE):
                tags["msm.kfp.run"] = task_of
            name = self._subject.output.rpartition("/")[2]
            run = client.create_run(experiment, tags=tags, run_name=name)
        else:
            client.update_run(run.info.run_id, status="RUNNING")
        self._client, self._run_id = client, run.info.run_id


def find_live_run(client: Any, experiment: str, subject: LiveSubject) -> Any:
    """The run of a subject that is there already, the oldest of them; None if there is none."""
    from msm.registry.tracker import LIVE

    wanted = f"tags.`{LIVE}` = '{subject.identity}' and tags.`msm.output` = '{subject.output}'"
    found = client.search_runs(
        [experiment], wanted, max_results=1, order_by=["attributes.start_time ASC"]
    )
    return found[0] if found else None
