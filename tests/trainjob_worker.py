"""A train task's pod, as a process of its own: has one training done by a TrainJob.

python -m tests.trainjob_worker URL NAMESPACE TOKEN AUTHORITY WORKSPACE NAME SETTING...
"""

from __future__ import annotations

import sys
from pathlib import Path

from msm.bundle import bundle
from msm.cluster import Cluster
from msm.errors import Interrupted, UserError
from msm.experiment import find_task
from msm.recipe_file import load_recipe
from msm.task import Stage
from msm.training.trainjob_run import train_as_job
from msm.workspace import Workspace

TINY = Path(__file__).parents[1] / "recipes" / "tiny.yaml"


def train(cluster: Cluster, folder: Path, name: str, settings: list[str]) -> None:
    """Have the training done, of a workspace that has its inputs."""
    recipe = load_recipe(TINY, settings)
    task = find_task(recipe, Stage.TRAIN, name)
    located = Workspace(folder, recipe).inputs(task)
    train_as_job(
        cluster, recipe.name, bundle(recipe), task, located, recipe.execution, poll_seconds=0.2
    )


if __name__ == "__main__":
    url, namespace, token, authority, place, name, *settings = sys.argv[1:]
    try:
        train(Cluster(url, namespace, token, authority), Path(place), name, settings)
    except Interrupted as stop:
        sys.exit(stop.exit_code)
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
