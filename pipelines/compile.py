"""Compile recipes: ``msm pipeline compile recipes/*.yaml`` writes ``pipelines/compiled/``.

The compiled pipelines are kept in git, so that a change of a component or a recipe shows in the
diff of what a cluster would run. Compiling twice gives the same bytes.
"""

from pathlib import Path
from typing import Any

import yaml
from google.protobuf.json_format import MessageToDict

from msm.experiment import build_tasks
from msm.recipe import Recipe
from pipelines.build import build_pipeline
from pipelines.placing import OnPools, Placing
from pipelines.stamp import stamp

COMPILED = Path(__file__).parent / "compiled"
_Fast = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def compile_pipeline(recipe: Recipe, placing: Placing) -> tuple[Any, Any]:
    """A recipe's pipeline as JSON values: its specification, and what is Kubernetes' own.

    Raises:
        UserError: as ``build_pipeline``.
    """
    kinds = build_pipeline(recipe, placing)
    spec = stamp(MessageToDict(kinds.pipeline_spec), build_tasks(recipe))
    return spec, MessageToDict(kinds.platform_spec)


class _Dumper(_Fast):  # type: ignore[misc, valid-type]
    """Writes what comes up twice twice: KFP's reader knows no references."""

    def ignore_aliases(self, data: Any) -> bool:
        """Never a reference."""
        return True


def to_yaml(documents: tuple[Any, ...]) -> str:
    """Documents in one file, as KFP reads a pipeline; keys in order."""
    there = [document for document in documents if document]
    return str(yaml.dump_all(there, Dumper=_Dumper, sort_keys=True, width=1_000_000))


def compile_to(recipe: Recipe, folder: Path) -> Path:
    """Compile a recipe to ``folder/<its name>.yaml``; returns the path."""
    path = folder / f"{recipe.name}.yaml"
    text = to_yaml(compile_pipeline(recipe, OnPools()))
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
