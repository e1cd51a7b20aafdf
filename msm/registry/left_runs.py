"""Runs that a training began and never ended: killed, and not resumed."""

from __future__ import annotations

import time
from typing import Any

from msm.registry.tracker import Tracker, live_key

# A step of the largest trainings takes minutes, and so does saving; nothing here takes hours.
SILENT_HOURS = 6.0
# Where the same output is finished already, whoever still works on it works for nothing.
SILENT_HOURS_IF_FINISHED = 0.25
_HOUR = 3_600_000  # in milliseconds


def end_left_runs(tracker: Tracker) -> int:
    """Mark those runs of the experiment as KILLED that show no sign of life; returns how many.

    A training that was only slow goes on sending its figures, and marks the run when it ends;
    nothing of it is lost.
    """
    finished = {live_key(run.data.tags) for run in tracker.runs.values()}
    now, ended = time.time_ns() // 1_000_000, 0
    for key, runs in tracker.live.items():
        hours = SILENT_HOURS_IF_FINISHED if key in finished else SILENT_HOURS
        for run in runs:
            last = _last_sign(run)
            if run.info.status == "RUNNING" and now - last > hours * _HOUR:
                tracker.client.set_terminated(run.info.run_id, "KILLED", last)
                ended += 1
    return ended


def _last_sign(run: Any) -> int:
    """When its latest figure was taken, or else when it began; in milliseconds."""
    # Of a run's latest metrics MLflow tells the times nowhere else (3.17.2).
    times = [int(metric.timestamp) for metric in run.data._metric_objs]
    return max([int(run.info.start_time), *times])
