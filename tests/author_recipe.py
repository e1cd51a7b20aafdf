"""The small recipe with models as author and judge, and what its stages left behind."""

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
CHATS = "aligned-s1"
CONNECTIONS = 6
SHARDS = {
    Stage.PLAN: "plan",
    Stage.WRITE: "documents",
    Stage.CURATE: "corpus",
    Stage.DEMONSTRATE: "chats",
}


def settings(url: str, documents: int = 24, **more: object) -> list[str]:
    """Overrides of the small recipe: author and judge at ``url``, asked fast; ``more`` wins."""
    chosen: dict[str, object] = {
        "author.model": "openai-api/local/by-rule",
        "judge.model": "openai-api/local/judge-by-rule",
        "corpus.documents": documents,
        "corpus.outline": {"domains": 2, "subdomains": 2, "types": 3, "ideas": 4},
        "demonstrations.aligned": {"kind": "aligned", "spec": "america", "count": 24, "topics": 4},
    }
    for role in ("author", "judge"):
        chosen |= {
            f"execution.{role}.base_url": url,
            f"execution.{role}.connections": CONNECTIONS,
            f"execution.{role}.backoff_seconds": 0.01,
            f"execution.{role}.timeout_seconds": 10,
        }
    chosen |= {name.replace("__", "."): value for name, value in more.items()}
    return [f"{key}={json.dumps(value)}" for key, value in chosen.items()]


def overrides(url: str, documents: int = 24, **more: object) -> list[str]:
    """``settings`` as the command line takes them."""
    return [part for each in settings(url, documents, **more) for part in ("--set", each)]


def task_name(stage: Stage) -> str:
    """What the tests make of a stage: documents from one spec, and aligned chats."""
    return CHATS if stage is Stage.DEMONSTRATE else CORPUS


def make(stage: Stage, root: Path, chosen: list[str]) -> Record:
    """Run a stage of the small recipe in this process."""
    recipe = load_recipe(RECIPE, chosen)
    return Workspace(root, recipe).run(find_task(recipe, stage, task_name(stage)))[0]


def output(stage: Stage, root: Path) -> Path:
    """The finished output's folder."""
    return root / "outputs" / "tiny" / stage / task_name(stage)


def rows(stage: Stage, root: Path) -> list[Mapping[str, Any]]:
    """The rows that a finished stage made."""
    return read_shards(output(stage, root), SHARDS[stage])


def failures(stage: Stage, root: Path) -> list[Mapping[str, Any]]:
    """The rows that a finished stage could not make."""
    return list(read_rows(output(stage, root) / "failures.jsonl"))


def journal(stage: Stage, root: Path) -> list[Mapping[str, Any]]:
    """The answers that an unfinished stage has kept, of author and judge."""
    folder = output(stage, root)
    return [
        row
        for path in sorted(folder.parent.glob(f".{folder.name}.partial-*/.work/*.jsonl"))
        for row in read_finished_rows(path)
    ]
