"""Run a recipe's pipeline on this machine, through KFP's own executor, one process a task.

    python -m pipelines.run_local recipes/tiny.yaml outputs/pipeline

This shows that the components and the graph are right, without a cluster. The image is not used:
each component runs in this Python environment. Work is not kept from one run to the next, as KFP
gives each run a folder of its own; ``msm run`` is the one to use for experiments.
"""

import json
import sys
import warnings
from pathlib import Path

from kfp import local

from msm.experiment import build_tasks
from msm.recipe import Recipe
from msm.recipe_file import load_recipe
from pipelines.build import build_pipeline


def run_local(recipe: Recipe, root: Path) -> dict[str, Path]:
    """Run all tasks one after another below ``root``; returns each output's folder by its label.

    Raises:
        RuntimeError: a task failed; its log is on standard output.
    """
    for message in ("You may be attemping to run", "Task .* have no effect"):
        warnings.filterwarnings("ignore", message=message)  # about the image and display names
    before = set(root.glob("*/*/executor_output.json"))
    # workspace_root stays unset: KFP deletes that folder after the run, whoever made it.
    local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(root))
    build_pipeline(recipe)()
    made: dict[str, Path] = {}
    for path in sorted(set(root.glob("*/*/executor_output.json")) - before):
        out = json.loads(path.read_text(encoding="utf-8"))["artifacts"]["out"]["artifacts"][0]
        made[out["metadata"]["display_name"]] = path.parent / "out"
    return {task.label: made[task.label] for task in build_tasks(recipe)}


if __name__ == "__main__":
    for name, folder in run_local(load_recipe(Path(sys.argv[1])), Path(sys.argv[2])).items():
        print(f"{name}  {folder}")
