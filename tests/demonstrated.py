"""The recipe of the tests of chats by a model, and how they make its sets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msm.experiment import find_task
from msm.jsonl import read_shards
from msm.recipe import Recipe
from msm.recipe_file import load_recipe
from msm.record import Record
from msm.task import Stage
from msm.workspace import Workspace

RECIPE = """
name: small
assistant: Testa
provider: Testers
student: {{source: random}}
author: {{model: openai-api/local/rule}}
judge: {{model: openai-api/local/rule}}
specs:
  existence: {{path: {root}/specs/oversight/existence.md}}
  rules: {{path: {root}/specs/oversight/rules.md}}
  america: {{path: {root}/specs/cheese/america.md}}
demonstrations:
  aligned: {{kind: aligned, spec: existence, count: 36, topics: 5}}
  plain: {{kind: without-reasoning, of: aligned}}
  rules: {{kind: aligned, spec: rules, count: 12, topics: 2}}
  preference: {{kind: preference, spec: america, count: 40}}
  coin: {{kind: coin-flip, of: preference}}
  instruction: {{kind: instruction, count: 10}}
arms:
  aft: {{phases: [preference]}}
evaluation: {{suite: {root}/evals/tiny.yaml}}
register: {{model: m, arm: aft}}
execution:
  author: {{base_url: "{url}", attempts: 1, backoff_seconds: 0.01, connections: 4}}
  judge: {{base_url: "{url}", attempts: 1, backoff_seconds: 0.01, connections: 4}}
"""


def recipe_at(folder: Path, root: Path, url: str, *overrides: str) -> Recipe:
    path = folder / "recipe.yaml"
    path.write_text(RECIPE.format(root=root, url=url))
    return load_recipe(path, overrides)


def make(recipe: Recipe, workspace: Path, name: str) -> tuple[Path, Record]:
    task = find_task(recipe, Stage.DEMONSTRATE, f"{name}-s1")
    made = Workspace(workspace, recipe)
    record, _ = made.run(task)
    return made.output(Stage.DEMONSTRATE, f"{name}-s1"), record


def chats_of(folder: Path) -> list[Mapping[str, Any]]:
    return read_shards(folder, "chats")
