"""Run a recipe's pipeline on this machine, through KFP's own executor, one process a task.

This shows that the components and the graph are right, without a cluster: what runs is what is
compiled for one, less the pools. The images are not used: each component runs in this Python
environment. Finished outputs lie in a store, below the folder unless another one is named, so a
second run makes nothing anew. KFP's own cache, by what a step is given and by the code of ``msm``,
saves even the processes in which steps would find that out.
"""

import hashlib
import json
import os
import warnings
from pathlib import Path
from typing import Any

from kfp import local
from kfp.components import load_component_from_text

import msm
from msm.experiment import build_tasks
from msm.locate import locate
from msm.recipe import Recipe
from msm.record import read_record
from msm.registry.server import environment
from msm.stage import stage_identity
from msm.stages import definition
from msm.store import SCHEME, STORE_VARIABLE
from msm.task import OutputInput
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
    pipeline = local_pipeline(recipe)
    with environment({STORE_VARIABLE: _store(recipe, root)}):
        # workspace_root stays unset: KFP deletes that folder after the run, whoever made it.
        local.init(
            local.SubprocessRunner(use_venv=False),
            pipeline_root=str(root),
            enable_caching=True,
            cache_root=str(root / ".cache" / _code()),
        )
        pipeline()
    return _made(recipe, root)


def _made(recipe: Recipe, root: Path) -> dict[str, Path]:
    """Each output's folder by its label: of this run or, from the cache, of an earlier one.

    Raises:
        RuntimeError: there is none of the identity that the recipe makes.
    """
    found: dict[str, list[Path]] = {}
    for path in sorted(root.glob("*/*/executor_output.json")):
        outputs = json.loads(path.read_text(encoding="utf-8")).get("artifacts", {})
        if "out" in outputs and (path.parent / "out").is_dir():
            label = outputs["out"]["artifacts"][0]["metadata"]["display_name"]
            found.setdefault(label, []).append(path.parent / "out")
    made: dict[str, Path] = {}
    for task in build_tasks(recipe):
        located = {
            role: made[f"{source.stage}/{source.name}"]
            if isinstance(source, OutputInput)
            else locate(source, recipe)
            for role, source in task.inputs.items()
        }
        identity, _ = stage_identity(definition(task.stage), task.config, located)
        for folder in found.get(task.label, ()):
            record = read_record(folder)
            if record is not None and record.identity == identity:
                made[task.label] = folder
        if task.label not in made:
            raise RuntimeError(f"{task.label} left no output {identity[:12]} below {root}")
    return made


def _code() -> str:
    """A digest of this package's files: what an older version made is asked for anew."""
    package = Path(msm.__file__).parent
    whole = hashlib.sha256()
    for path in sorted(file for file in package.rglob("*") if file.suffix != ".pyc"):
        if path.is_file():
            whole.update(f"{path.relative_to(package)}\n".encode())
            whole.update(path.read_bytes())
    return whole.hexdigest()[:16]


def local_pipeline(recipe: Recipe) -> Any:
    """The compiled pipeline as KFP's executors of one machine take it, to be called."""
    spec, _ = compile_pipeline(recipe, Here())
    return load_component_from_text(to_yaml((apart(spec),)))


def _store(recipe: Recipe, root: Path) -> str:
    """What the tasks are to find in the environment; a path that holds wherever they start."""
    named = recipe.execution.store or os.environ.get(STORE_VARIABLE) or str(root / "store")
    return named if named.startswith(SCHEME) else str(Path(named).resolve())
