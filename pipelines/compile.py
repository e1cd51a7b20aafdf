"""Compile recipes: ``msm pipeline compile recipes/*.yaml`` writes ``pipelines/compiled/``.

The compiled pipelines are kept in git, so that a change of a component or a recipe shows in the
diff of what a cluster would run. Compiling twice gives the same bytes.
"""

from pathlib import Path
from typing import Any

import yaml
from google.protobuf.json_format import MessageToDict

from msm.recipe import Recipe
from pipelines.build import build_pipeline
from pipelines.parts import Part, fitting, whole
from pipelines.placing import OnPools, Placing
from pipelines.size import size_of
from pipelines.stamp import stamp

COMPILED = Path(__file__).parent / "compiled"
_Fast = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def compile_pipeline(recipe: Recipe, placing: Placing, part: Part | None = None) -> tuple[Any, Any]:
    """A recipe's pipeline as JSON values: its specification, and what is Kubernetes' own.

    Of ``part``, or of the whole recipe.

    Raises:
        UserError: as ``build_pipeline``.
    """
    part = part or whole(recipe)
    kinds = build_pipeline(recipe, placing, part)
    spec = stamp(MessageToDict(kinds.pipeline_spec), part, recipe)
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


def compile_to(recipe: Recipe, folder: Path) -> list[Path]:
    """Compile a recipe to ``folder/<its name>.yaml``; returns the path.

    One that is too large for a run comes in parts, which are as many files, the last one last.

    Raises:
        UserError: as ``build_pipeline``; or even a part is too large.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for part, documents in compile_parts(recipe):
        paths.append(folder / f"{part.name}.yaml")
        paths[-1].write_text(to_yaml(documents), encoding="utf-8")
    return paths


def compile_parts(recipe: Recipe) -> list[tuple[Part, tuple[Any, Any]]]:
    """A recipe's pipeline for a cluster, in as many parts as it takes: mostly one.

    Raises:
        UserError: as ``build_pipeline``; or even a part is too large.
    """
    compiled: dict[str, tuple[Any, Any]] = {}

    def size(part: Part) -> int:
        compiled[part.name] = compile_pipeline(recipe, OnPools(), part)
        return size_of(*compiled[part.name])

    return [(part, compiled[part.name]) for part in fitting(recipe, size)]
