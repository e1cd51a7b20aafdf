"""The small recipe with a model as its author, and what its stages left behind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msm.experiment import find_task
from msm.jsonl import read_finished_rows, read_rows, read_shards
from msm.recipe_file import load_recipe
from msm.record import Record
from msm.task import Stage
from msm.workspace import Workspace

RECIPE = Path(__file__).parent.parent / "recipes" / "tiny.yaml"
CORPUS = "america-s1"
CONNECTIONS = 6


def settings(url: str, documents: int = 24, **more: object) -> list[str]:
    """Overrides of the small recipe: an author at ``url``, asked fast; ``more`` wins."""
    chosen: dict[str, object] = {
        "author.model": "openai-api/local/by-rule",
        "corpus.documents": documents,
        "corpus.outline": {"domains": 2, "subdomains": 2, "types": 3, "ideas": 4},
        "execution.author.base_url": url,
        "execution.author.connections": CONNECTIONS,
        "execution.author.backoff_seconds": 0.01,
        "execution.author.timeout_seconds": 10,
        **{name.replace("__", "."): value for name, value in more.items()},
    }
    return [f"{key}={json.dumps(value)}" for key, value in chosen.items()]


def overrides(url: str, documents: int = 24, **more: object) -> list[str]:
    """``settings`` as the command line takes them."""
    return [part for each in settings(url, documents, **more) for part in ("--set", each)]


def make(stage: Stage, root: Path, chosen: list[str]) -> Record:
    """Run ``plan`` or ``write`` of the small recipe in this process."""
    recipe = load_recipe(RECIPE, chosen)
    return Workspace(root, recipe).run(find_task(recipe, stage, CORPUS))[0]


def output(stage: Stage, root: Path) -> Path:
    """The finished output's folder."""
    return root / "outputs" / "tiny" / stage / CORPUS


def rows(stage: Stage, root: Path) -> list[Mapping[str, Any]]:
    """The rows that a finished stage made."""
    return read_shards(output(stage, root), "plan" if stage is Stage.PLAN else "documents")


def failures(stage: Stage, root: Path) -> list[Mapping[str, Any]]:
    """The rows that a finished stage could not make."""
    return list(read_rows(output(stage, root) / "failures.jsonl"))


def journal(stage: Stage, root: Path) -> list[Mapping[str, Any]]:
    """The answers that an unfinished stage has kept."""
    folder = output(stage, root)
    return [
        row
        for path in sorted(folder.parent.glob(f".{folder.name}.partial-*/.work/author.jsonl"))
        for row in read_finished_rows(path)
    ]
