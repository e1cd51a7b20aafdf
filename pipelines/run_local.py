"""Run a recipe's pipeline on this machine, through KFP's own executor, one process a task.

This shows that the components and the graph are right, without a cluster: what runs is what is
compiled for one, less the pools. The images are not used: each component runs in this Python
environment. Finished outputs lie in a store, below the folder unless another one is named, so a
second run makes nothing anew.
"""

import json
import os
import warnings
from pathlib import Path
from typing import Any

from kfp import local
from kfp.components import load_component_from_text

from msm.experiment import build_tasks
from msm.recipe import Recipe
from msm.registry.server import environment
from msm.store import SCHEME, STORE_VARIABLE
from pipelines.compile import compile_pipeline, to_yaml
from pipelines.placing import Here
from pipelines.stamp import apart


def run_local(recipe: Recipe, root: Path) -> dict[str, Path]:
    """Run all tasks one after another below ``root``; returns each output's folder by its label.

    Raises:
        RuntimeError: a task failed; its log is on standard output.
    """
    for message in ("You may be attemping to run", "Task .* have no effect"):
        warnings.filterwarnings("ignore", message=message)  # about the image and display names
    before = set(root.glob("*/*/executor_output.json"))
    pipeline = local_pipeline(recipe)
    with environment({STORE_VARIABLE: _store(recipe, root)}):
        # workspace_root stays unset: KFP deletes that folder after the run, whoever made it.
        local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(root))
        pipeline()
    made: dict[str, Path] = {}
    for path in sorted(set(root.glob("*/*/executor_output.json")) - before):
        outputs = json.loads(path.read_text(encoding="utf-8")).get("artifacts", {})
        if "out" in outputs:
            name = outputs["out"]["artifacts"][0]["metadata"]["display_name"]
            made[name] = path.parent / "out"
    return {task.label: made[task.label] for task in build_tasks(recipe)}


def local_pipeline(recipe: Recipe) -> Any:
    """The compiled pipeline as KFP's executors of one machine take it, to be called."""
    spec, _ = compile_pipeline(recipe, Here())
    return load_component_from_text(to_yaml((apart(spec),)))


def _store(recipe: Recipe, root: Path) -> str:
    """What the tasks are to find in the environment; a path that holds wherever they start."""
    named = recipe.execution.store or os.environ.get(STORE_VARIABLE) or str(root / "store")
    return named if named.startswith(SCHEME) else str(Path(named).resolve())
