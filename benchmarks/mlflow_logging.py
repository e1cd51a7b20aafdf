"""Logging an experiment of 50 arms x seeds to MLflow: the stage ``register`` against one call each.

    PYTHONPATH=. python benchmarks/mlflow_logging.py [STEPS]

Both log to a real MLflow server on loopback with a SQLite store, one after the other. Ours is the
whole stage: an experiment's run, 50 runs with params, curves, intervals, data sets and
LoggedModels, the report, the candidate's files and its version. The other calls
``mlflow.log_metric`` once for each of the same metrics, and logs nothing else.

STEPS is the length of each training curve, of two metrics a step (default 100).
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from msm.registry.data_sets import training_data
from msm.registry.evidence import read_evidence
from msm.registry.points import evaluation_points, training_points
from msm.registry.runs import Point
from msm.registry.sources import read_sources
from tests.mlflow_server import MlflowServer
from tests.registry_world import World, make_world, register

ARMS = 10
SEEDS = 5


def main(steps: int) -> None:
    """Make the experiment, log it both ways, and print both times and their ratio."""
    arms = ", ".join(f"aft{number}: {{phases: [preference]}}" for number in range(ARMS - 1))
    overrides = (
        f"arms={{msm+aft: {{phases: [preference]}}, {arms}}}",
        f"seeds=[{', '.join(map(str, range(1, SEEDS + 1)))}]",
        "analysis.contrasts=[]",
    )
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        world = make_world(root / "world", overrides, steps)
        points = _points(world)
        count = sum(len(found) for found in points.values())
        server = MlflowServer(root)
        server.start()
        try:
            os.environ["MLFLOW_TRACKING_URI"] = server.uri
            register(world, root / "warm")  # the first call of a server is slow
            _forget(server.uri)
            started = time.perf_counter()
            register(world, root / "ours")
            ours = time.perf_counter() - started
            started = time.perf_counter()
            _one_by_one(points)
            other = time.perf_counter() - started
        finally:
            server.stop()
    print(f"{len(points)} checkpoints, {count:,} metrics, {steps} steps each")
    print(f"the stage register, whole     {ours:7.1f} s")
    print(f"mlflow.log_metric, one by one {other:7.1f} s  ({1000 * other / count:.1f} ms each)")
    print(f"ratio                         {other / ours:7.1f}")


def _points(world: World) -> dict[str, list[Point]]:
    """What the stage logs of each checkpoint."""
    sources = read_sources(world.config, world.inputs)
    evidence = read_evidence(sources.report.folder)
    return {
        name: [
            *training_points(checkpoint.source, training_data(checkpoint.source, sources)[0]),
            *evaluation_points(checkpoint, sources, evidence),
        ]
        for name, checkpoint in sources.checkpoints.items()
    }


def _forget(uri: str) -> None:
    """Rename the experiment away, so that the next registration makes everything anew."""
    from msm.registry.client import MlflowClient

    client = MlflowClient(uri, uri)
    experiment = client.get_experiment_by_name("cheese")
    client.rename_experiment(experiment.experiment_id, "warm")


def _one_by_one(points: dict[str, list[Point]]) -> None:
    import mlflow

    mlflow.set_experiment("one by one")
    for name, found in points.items():
        with mlflow.start_run(run_name=name):
            for point in found:
                mlflow.log_metric(point.key, point.value, point.step, timestamp=point.time)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
