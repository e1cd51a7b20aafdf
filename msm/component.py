"""One task of an experiment where there is no workspace: in a pipeline's container.

The caller hands over texts and the folders of the inputs; identities come out the same as
anywhere else, since only content enters them.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msm.chat_sets import SourceKind
from msm.errors import UserError
from msm.experiment import find_task
from msm.locate import locate
from msm.recipe import Recipe
from msm.stage import run_stage
from msm.stages import definition
from msm.task import OutputInput, Stage

SUITE = "suite.yaml"


def portable_recipe(recipe: Recipe) -> tuple[str, str, dict[str, str]]:
    """A recipe as texts: itself as JSON without paths, the suite file, and each spec file.

    Raises:
        UserError: the recipe reads a file of instruction chats, which does not travel with it.
    """
    for name, chats in recipe.demonstrations.items():
        if chats.source.kind is SourceKind.FILE:
            raise UserError(
                f"demonstrations '{name}' read a local file, which a pipeline cannot bring along; "
                "use a source of kind 'hub' or 'builtin', or run the recipe with `msm run`"
            )
    raw = recipe.model_dump(mode="json", by_alias=True)  # in order: the report keeps that of arms
    specs: dict[str, str] = {}
    for name, spec in raw["specs"].items():
        if spec["path"]:
            specs[name] = Path(spec["path"]).read_text(encoding="utf-8")
            spec["path"] = f"{name}.md"
    suite = ""
    if raw["evaluation"]["suite"]:
        suite = Path(raw["evaluation"]["suite"]).read_text(encoding="utf-8")
        raw["evaluation"]["suite"] = SUITE
    return json.dumps(raw, ensure_ascii=False), suite, specs


def run_task(
    recipe: str,
    suite: str,
    specs: Mapping[str, str],
    stage: str,
    name: str,
    inputs: Mapping[str, str],
    out: str,
) -> dict[str, Any]:
    """Run one task; ``inputs`` are the folders of what other tasks made, by role.

    Returns identity, rows out, and seconds.

    Raises:
        UserError: the recipe or an input is wrong.
    """
    raw = json.loads(recipe)
    with tempfile.TemporaryDirectory() as folder:
        for spec_name, text in specs.items():
            path = Path(folder) / f"{spec_name}.md"
            path.write_text(text, encoding="utf-8")
            raw["specs"][spec_name]["path"] = str(path)
        if suite:
            suite_path = Path(folder) / SUITE
            suite_path.write_text(suite, encoding="utf-8")
            raw["evaluation"]["suite"] = str(suite_path)
        loaded = Recipe.model_validate(raw)
        task = find_task(loaded, Stage(stage), name)
        located: dict[str, Path] = {}
        for role, source in task.inputs.items():
            if isinstance(source, OutputInput):
                located[role] = Path(inputs[role])
            else:
                located[role] = locate(source, loaded)
        execution = loaded.execution.named(loaded.name, task.label)
        record, _ = run_stage(definition(task.stage), task.config, located, Path(out), execution)
    return {
        "identity": record.identity,
        "rows_out": record.outcome.rows_out,
        "seconds": record.seconds,
    }
