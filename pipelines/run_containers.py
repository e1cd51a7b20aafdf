"""Run a recipe's pipeline in containers on this machine, one for each task.

    python -m pipelines.run_containers recipes/tiny.yaml outputs/containers

For recipes that need no network: a bundled or random student, and the built-in author. The image is
the one that the components name (``components/image.py``); the containers are started
through the Docker API at DOCKER_HOST, which podman serves too. They run as the clusters' pods do:
without root, on a read-only file system, without capabilities and, here, without a network.

KFP calls a container that failed finished if it was removed before its exit code was asked for
(kubeflow/pipelines issue 13332). So nothing is believed but what lies there: each task must have
left its output, with a record whose digest is that of the files.
"""

from __future__ import annotations

import contextlib
import json
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kfp import local

from components.image import IMAGE
from msm.errors import UserError
from msm.experiment import build_tasks
from msm.identity import digest_path
from msm.recipe import Recipe
from msm.recipe_file import load_recipe
from msm.record import read_record
from pipelines.run_local import local_pipeline

USER = "10001:10001"  # the images' own
OUTPUT = "executor_output.json"
NAMED = 8  # tasks in a message


def run_containers(recipe: Recipe, root: Path) -> dict[str, Path]:
    """Run all tasks one after another below ``root``; returns each output's folder by its label.

    Raises:
        UserError: there is no server, no such image, or a task left no whole output.
    """
    warnings.filterwarnings("ignore", message="Task .* have no effect")  # display names
    root = root.resolve()
    root.mkdir(parents=True, exist_ok=True)
    root.chmod(0o1777)  # the containers' user writes here, whoever that is outside
    before = set(root.glob(f"*/*/{OUTPUT}"))
    runner = local.DockerRunner(**container_settings(root))
    # A task that KFP saw fail is named below, like one that it did not.
    local.init(runner, pipeline_root=str(root), raise_on_error=False)
    pipeline = local_pipeline(recipe)
    stopped: Exception | None = None
    try:
        pipeline()
    except (RuntimeError, ValueError) as error:  # KFP misses an output of a task that "succeeded"
        stopped = error
    labels = [task.label for task in build_tasks(recipe)]
    made = checked_outputs(labels, set(root.glob(f"*/*/{OUTPUT}")) - before)
    if stopped is not None:
        raise stopped
    return made


def container_settings(root: Path) -> dict[str, Any]:
    """What every container is started with, as keywords of docker's ``containers.run``.

    Raises:
        UserError: no server answers, or it does not have the image.
    """
    # Work that every container would do again, such as making the student, is kept here.
    cache, store = root / "cache", root / "store"
    for folder in (cache, store):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o1777)
    return {
        "user": USER,
        "read_only": True,
        "tmpfs": {"/tmp": "rw,mode=1777,size=4g", "/home/msm": "rw,mode=1777,size=1g"},
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "network_mode": "none",
        "environment": {
            "MSM_IMAGE": image_identity(IMAGE),
            "MSM_CACHE": str(cache),
            "MSM_STORE": str(store),
            "MLFLOW_TRACKING_URI": f"sqlite:///{root / 'mlflow.db'}",
        },
    }


def image_identity(name: str) -> str:
    """The digest of an image that the server has.

    Raises:
        UserError: no server answers, or it does not have the image.
    """
    import docker

    try:
        client = docker.from_env()
        with contextlib.closing(client):
            return str(client.images.get(name).id)
    except docker.errors.ImageNotFound:
        raise UserError(f"no image {name} here; build it (docs/images.md)") from None
    except docker.errors.DockerException as error:
        raise UserError(f"no container server at DOCKER_HOST ({error})") from None


def checked_outputs(labels: Sequence[str], outputs: set[Path]) -> dict[str, Path]:
    """The folder of each task's output, each found whole.

    Args:
        labels: of all tasks, in their order.
        outputs: what KFP's executor wrote in the containers that came to their end.

    Raises:
        UserError: a task left no output, or one that is not what its record says.
    """
    made: dict[str, Path] = {}
    for path in sorted(outputs):
        text = path.read_text(encoding="utf-8")
        artifacts = json.loads(text).get("artifacts", {}) if text else {}
        if "out" in artifacts:
            label = artifacts["out"]["artifacts"][0]["metadata"].get("display_name", "")
            made[label] = path.parent / "out"
    absent = [label for label in labels if label not in made]
    if absent:
        named = ", ".join(absent[:NAMED]) + (", …" if len(absent) > NAMED else "")
        raise UserError(
            f"{len(absent)} of {len(labels)} tasks left no output ({named}): a container failed, "
            "and what needs its output did not run; the log above has it, whatever status it names"
        )
    for label in labels:
        folder = made[label]
        record = read_record(folder)
        if record is None or record.digest != digest_path(folder):
            raise UserError(f"{label} failed: {folder} is not what its record says")
    return {label: made[label] for label in labels}


if __name__ == "__main__":
    try:
        for name, folder in run_containers(
            load_recipe(Path(sys.argv[1])), Path(sys.argv[2])
        ).items():
            print(f"{name}  {folder}")
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
