"""A recipe in one piece: itself and the texts of the files that it names, without a path.

A pipeline's tasks run where nobody's files lie. Identities come out the same as anywhere else,
since only content enters them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msm.chat_sets import SourceKind
from msm.errors import UserError
from msm.recipe import Recipe
from msm.storage.manifest import check_names
from msm.store import SCHEME


def bundle(recipe: Recipe) -> str:
    """A recipe and its files as one line of JSON; the same each time.

    Raises:
        UserError: the recipe reads a file of chats, which does not travel with it; a file that it
            names cannot be read.
    """
    for name, chats in recipe.demonstrations.items():
        if chats.source.kind is SourceKind.FILE:
            raise UserError(
                f"demonstrations '{name}' read a local file, which a pipeline cannot bring along; "
                "use a source of kind 'hub' or 'builtin', or run the recipe with `msm run`"
            )
    files: dict[str, str] = {}

    def pack(name: str, path: str) -> str:
        try:
            files[name] = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{path} cannot be read: {error}") from None
        return name

    raw = recipe.model_dump(mode="json", by_alias=True)  # in order: the report keeps that of arms
    _each_file(raw, pack)
    if not raw["execution"]["store"].startswith(SCHEME):  # a folder of this machine
        raw["execution"]["store"] = ""
    return json.dumps({"recipe": raw, "files": dict(sorted(files.items()))}, ensure_ascii=False)


def unbundle(text: str, folder: Path) -> Recipe:
    """The recipe again, with its files below ``folder``.

    Raises:
        UserError: the text is no bundle.
    """
    try:
        content = json.loads(text)
        raw, files = content["recipe"], content["files"]
        _each_file(raw, lambda _, name: _unpack(files, name, folder))
        return Recipe.model_validate(raw)
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"the recipe handed over is of another form ({type(error).__name__}); compile the "
            "pipeline again with the version of its images"
        ) from None


def _unpack(files: Mapping[str, str], name: str, folder: Path) -> str:
    check_names([name], "the recipe handed over")
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(files[name], encoding="utf-8")
    return str(path)


def _each_file(raw: dict[str, Any], change: Callable[[str, str], str]) -> None:
    """Put ``change(name in the bundle, path)`` in the place of every path of a text file."""

    def replace(place: dict[str, Any] | None, key: str, name: str) -> None:
        if place and place.get(key):
            place[key] = change(name, place[key])

    for name, spec in raw["specs"].items():
        replace(spec, "path", f"spec-{name}.md")
    evaluation = raw["evaluation"]
    replace(evaluation, "suite", "suite.yaml")
    replace(evaluation, "judge_check", "judge-check.json")
    replace(evaluation["suites"].get("reasoning"), "reasons", "reasons.yaml")
    knowledge = evaluation["suites"].get("spec-knowledge")
    if knowledge:
        # An input's role is made of file and folder, so both keep their names.
        knowledge["others"] = [
            change("/".join(("other", *Path(path).parts[-2:])), path)
            for path in knowledge["others"]
        ]
