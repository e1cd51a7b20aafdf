"""Which task of which recipe an output is: kept in its record, so that it can be made again.

No part of any identity. The recipe is the resolved one, as written, less how to run (which stands
in the record's environment): profiles and ``--set`` are in it. Paths are relative to the source
tree where they lie in it; of each file that a person wrote the SHA-256 is kept. It is kept as text,
since a record's keys are sorted, and the order of arms is that of the report.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from msm.identity import digest_file
from msm.recipe import Recipe
from msm.recipe_file import each_path

SOURCE = Path(__file__).resolve().parents[1]


def origin_of(recipe: Recipe, task: str, root: Path = SOURCE) -> Mapping[str, Any]:
    """The origin of a task's output.

    Args:
        recipe: with absolute paths, as it was loaded.
        task: ``stage/name``.
        root: to which paths are made relative if they lie below it.

    Returns:
        ``task``, ``recipe`` (YAML) and ``files``: SHA-256 by path as in ``recipe``.
    """
    raw = recipe.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"execution"})
    files: dict[str, str] = {}

    def relative(path: str) -> str:
        whole = Path(path)
        name = whole.relative_to(root).as_posix() if whole.is_relative_to(root) else path
        if whole.is_file():
            files[name] = digest_file(whole)
        return name

    each_path(raw, relative)
    text = yaml.safe_dump(raw, sort_keys=False, allow_unicode=True, width=1000)
    return {"task": task, "recipe": text, "files": dict(sorted(files.items()))}
