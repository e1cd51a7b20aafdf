"""What a training's live figures cost its loop: our log against ``mlflow.log_metrics``.

    PYTHONPATH=. python benchmarks/live_metrics.py [STEPS [MILLISECONDS]]

Steps that take so many milliseconds (default 300 of 50) are told to a real MLflow server on
loopback, in turn by the trainer's monitor with its log, which a thread sends, and by the same
monitor with one call of MLflow in the loop. Printed are the milliseconds for which a step's figures
hold up the loop (median and 99th percentile), their share of a step, and what the process spends on
them altogether, the sending thread included. The aim is under 1 % of a step.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from msm.registry.live import LiveLog, LiveSubject
from msm.training.monitor import Monitor, Put
from tests.mlflow_server import MlflowServer

AIM = 1.0  # % of a step


@dataclass(frozen=True)
class Cost:
    """Milliseconds a step: that the loop waits (median, 99th percentile), and of processor time."""

    waits: float
    longest: float
    works: float


def follow(steps: int, milliseconds: float, put: Put) -> Cost:
    """Tell of so many steps."""
    monitor = Monitor(steps, 1e9, 1e12, "cpu", put)
    waits = []
    began = time.process_time()
    for step in range(1, steps + 1):
        time.sleep(milliseconds / 1000)
        started = time.perf_counter()
        monitor.step(step, 2.5, 1e-4, 1.0, 8192)
        waits.append(1000 * (time.perf_counter() - started))
    works = 1000 * (time.process_time() - began) / steps
    return Cost(statistics.median(waits), statistics.quantiles(waits, n=100)[-1], works)


def ours(uri: str, run: Callable[[Put], Cost]) -> Cost:
    """With the trainer's own log."""
    log = LiveLog(uri, LiveSubject("bench", "train/live", "0" * 64))
    cost = run(log.put)
    left = log.close("FINISHED")
    assert not left, left
    return cost


def theirs(uri: str, run: Callable[[Put], Cost]) -> Cost:
    """With a call of MLflow in the loop."""
    import mlflow

    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("bench")

    def put(step: int, figures: Mapping[str, float]) -> None:
        mlflow.log_metrics(dict(figures), step=step)

    with mlflow.start_run():
        return run(put)


def main(steps: int, milliseconds: float) -> None:
    """Print a line for each side, and the ratio of their waits."""
    with tempfile.TemporaryDirectory() as folder:
        server = MlflowServer(Path(folder))
        server.start()
        os.environ["MLFLOW_TRACKING_URI"] = server.uri
        try:
            theirs(server.uri, lambda put: follow(5, 1.0, put))  # the first calls are slow
            sides = {
                "log_metrics": theirs(server.uri, lambda put: follow(steps, milliseconds, put)),
                "ours": ours(server.uri, lambda put: follow(steps, milliseconds, put)),
            }
        finally:
            server.stop()
    for name, cost in sides.items():
        share = 100 * cost.waits / milliseconds
        print(
            f"{name:12} waits {cost.waits:7.3f} ms a step ({share:.2f} % of {milliseconds:g} ms; "
            f"99 of 100 below {cost.longest:.3f} ms), processor {cost.works:.3f} ms"
        )
    print(f"ratio of waits {sides['log_metrics'].waits / sides['ours'].waits:.0f}, aim {AIM} %")


if __name__ == "__main__":
    given = sys.argv[1:]
    main(int(given[0]) if given else 300, float(given[1]) if len(given) > 1 else 50.0)
