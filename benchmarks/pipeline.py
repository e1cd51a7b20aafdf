"""What a pipeline costs besides its work: compiling, the size of its run, seconds a task.

    python benchmarks/pipeline.py              # every recipe: tasks, seconds to compile, size
    python benchmarks/pipeline.py --run        # and tiny.yaml through KFP, against `msm run`

Sizes are those of the Workflow that KFP's backend makes, worked out by ``pipelines.size``; a
cluster's store takes 1.5 MiB.

Start it as a file, as `msm` is started: under `python -m` KFP, which reads the call stack at every
step, takes four times as long, since the frames of `runpy` have no source file.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from msm.errors import UserError
from msm.experiment import build_tasks
from msm.recipe_file import load_recipe
from pipelines.compile import compile_parts, to_yaml
from pipelines.size import workflow_bytes

TINY = Path("recipes/tiny.yaml")


def sizes() -> None:
    """Print a row for each recipe."""
    print("| recipe | tasks | seconds to compile | runs | MiB of the largest |")
    print("|---|---|---|---|---|")
    for path in sorted([*Path("recipes").glob("*.yaml"), *Path("recipes/studies").glob("*.yaml")]):
        recipe = load_recipe(path)
        started = time.process_time()
        try:
            parts = compile_parts(recipe)
            texts = [to_yaml(documents) for _, documents in parts]
        except UserError as error:
            print(f"| {path} | {error} | | | |")
            continue
        seconds = time.process_time() - started  # other work on this machine left out
        size = max(workflow_bytes(text) for text in texts) / 2**20
        tasks = len(build_tasks(recipe))
        print(f"| {path} | {tasks} | {seconds:.2f} | {len(parts)} | {size:.2f} |")


def runs() -> None:
    """Print the seconds of tiny.yaml: `msm run`, through KFP, and through KFP once more."""
    tasks = len(build_tasks(load_recipe(TINY)))
    msm = [sys.executable, "-m", "msm"]
    with tempfile.TemporaryDirectory() as folder:
        pipeline = [*msm, "pipeline", "run", str(TINY), "--local", "--out", f"{folder}/kfp"]
        direct = [*msm, "run", str(TINY), "--set", "execution.jobs=1", "--workspace", folder]
        for label, command in (
            ("msm run", direct),
            ("KFP", pipeline),
            ("KFP again, all from the store", pipeline),
        ):
            started = time.monotonic()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            seconds = time.monotonic() - started
            print(f"{label}: {seconds:.0f} s, {seconds / tasks:.1f} s a task")


if __name__ == "__main__":
    sizes()
    if "--run" in sys.argv:
        runs()
