"""Compile recipes: ``python -m pipelines.compile recipes/*.yaml`` writes ``pipelines/compiled/``.

The compiled pipelines are kept in git, so that a change of a component or a recipe shows in the
diff of what a cluster would run. Compiling twice gives the same bytes.
"""

import sys
from pathlib import Path

from kfp.compiler import Compiler

from msm.recipe_file import load_recipe
from pipelines.build import build_pipeline

COMPILED = Path(__file__).parent / "compiled"


def compile_recipe(recipe: Path, folder: Path = COMPILED) -> Path:
    """Compile one recipe to ``folder/<name of the recipe's file>``; returns the path."""
    path = folder / recipe.name
    Compiler().compile(build_pipeline(load_recipe(recipe)), str(path))
    return path


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        print(compile_recipe(Path(argument)))
