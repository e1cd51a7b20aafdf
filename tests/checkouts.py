"""A checkout of the embedded experiment in small, for DVC, in a folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from msm.recipe_file import load_recipe

RECIPE = "recipes/cheese.yaml"


def small_checkout(root: Path, checkout: Path) -> Path:
    """A git and DVC repository with the real dvc.yaml, and the tiny recipe in cheese's place."""
    plots = (".dvc/plots/forest.json", ".dvc/plots/curves.json")
    files = (".dvc/config", ".dvcignore", ".gitignore", "dvc.yaml", "msm/stages.py")
    for name in (*plots, *files):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, checkout / name)
    shutil.copytree(root / "specs", checkout / "specs")
    (checkout / "evals").mkdir()
    shutil.copy(root / "evals" / "tiny.yaml", checkout / "evals" / "price-origin.yaml")
    raw: dict[str, Any] = load_recipe(root / "recipes" / "tiny.yaml").model_dump(
        mode="json", by_alias=True, exclude_unset=True
    )
    raw["name"] = "cheese"
    raw["evaluation"]["suite"] = "../evals/price-origin.yaml"
    for spec in raw["specs"].values():
        spec["path"] = f"../{Path(spec['path']).relative_to(root)}"
    (checkout / "recipes").mkdir()
    (checkout / RECIPE).write_text(yaml.safe_dump(raw), encoding="utf-8")
    run(checkout, "git", "init", "--quiet")
    return checkout


def records(checkout: Path) -> dict[str, tuple[str, str]]:
    """Identity and content digest of every output."""
    records = {}
    for path in sorted(checkout.glob("outputs/*/*/*/record.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        records[path.parent.relative_to(checkout).as_posix()] = (
            record["identity"],
            record["digest"],
        )
    return records


def run(checkout: Path, *command: str) -> str:
    """Run a command in the checkout, with this environment's programs first on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=checkout, env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done.stdout
