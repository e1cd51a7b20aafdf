"""Reading a recipe: defaults < YAML < profile < ``--set key=value``, one line where it is wrong.

``extends: other.yaml`` starts from another recipe, or from a part of one. A section below
``profiles`` turns the recipe into another one of the same form, such as a small twin; its outputs
lie under a name of their own. Mappings are merged key by key, and ``null`` takes a key away. Paths
are relative to the file that names them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, get_args

import yaml
from pydantic import ValidationError

from msm.errors import UserError, nearest
from msm.recipe import Recipe

MAX_EXTENDS = 5
PROFILES = "profiles"


def load_recipe(path: Path, overrides: Sequence[str] = (), profile: str | None = None) -> Recipe:
    """Read a recipe, turn it into its ``profile``, apply ``key.sub=value`` overrides, check it.

    Raises:
        UserError: the file is missing or malformed, it has no such profile (names those there
            are), a key is unknown (names the nearest right one), a value has the wrong type, or a
            name does not exist.
    """
    raw = _read(path, depth=0)
    profiles = _profiles(raw.pop(PROFILES, {}), path)
    if profile is not None:
        raw = _in_profile(raw, profiles, profile, path)
    for override in overrides:
        _apply(raw, override)
    try:
        return Recipe.model_validate(_without_null(raw))
    except ValidationError as error:
        raise UserError(f"recipe {path}: {_explain(error)}") from None


def _read(path: Path, depth: int) -> dict[str, Any]:
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"recipe {path} does not exist; see recipes/") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"recipe {path} cannot be read: {error}") from None
    except yaml.YAMLError as error:
        detail = " ".join(str(error).split())
        raise UserError(f"recipe {path} is not valid YAML: {detail}") from None
    if not isinstance(raw, dict):
        raise UserError(f"recipe {path} is empty or no mapping; see recipes/ for the form")
    profiles = _part(raw, PROFILES)
    for name, section in profiles.items():
        if isinstance(section, dict):
            profiles[name] = _extended(section, path, depth)
    return _extended(raw, path, depth)


def _extended(raw: dict[str, Any], path: Path, depth: int) -> dict[str, Any]:
    """A recipe or a profile as it stands in a file, over what it extends, with absolute paths."""
    _absolute_paths(raw, path.parent)
    parent = raw.pop("extends", None)
    if parent is None:
        return raw
    if depth >= MAX_EXTENDS:
        raise UserError(
            f"recipe {path}: 'extends' goes round in a circle or more than {MAX_EXTENDS} deep"
        )
    return _merge(_read(path.parent / str(parent), depth + 1), raw)


def _merge(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``over`` laid over ``base``, mappings key by key; None stays, to take a key away later."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = (
            _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
        )
    return merged


def _without_null(raw: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_null(value) if isinstance(value, dict) else value
        for key, value in raw.items()
        if value is not None
    }


def _profiles(profiles: object, path: Path) -> dict[str, dict[str, Any]]:
    if not isinstance(profiles, dict) or not all(isinstance(p, dict) for p in profiles.values()):
        raise UserError(f"recipe {path}: 'profiles' is to map names to keys of the recipe")
    return profiles


def _in_profile(
    raw: dict[str, Any], profiles: Mapping[str, dict[str, Any]], name: str, path: Path
) -> dict[str, Any]:
    """The recipe with a profile's section laid over it, under a name of its own."""
    if name not in profiles:
        there = f"it has: {', '.join(profiles)}" if profiles else "it has none"
        raise UserError(f"recipe {path} has no profile '{name}'; {there}")
    if "name" in profiles[name]:
        raise UserError(
            f"recipe {path}: profile '{name}' takes no 'name'; its outputs lie under the recipe's "
            f"name with -{name} behind it"
        )
    return _merge(raw, {**profiles[name], "name": f"{raw.get('name', '')}-{name}"})


def _absolute_paths(raw: dict[str, Any], folder: Path) -> None:
    """Resolve the paths a recipe names against its own folder (they are in no identity)."""
    each_path(raw, lambda path: str((folder / path).resolve()))


def each_path(raw: dict[str, Any], change: Callable[[str], str]) -> None:
    """Put ``change(path)`` in the place of every path of a recipe's mapping, whole or in part."""
    for spec in _parts(raw, "specs"):
        _change(spec, "path", change)
    evaluation = _part(raw, "evaluation")
    _change(evaluation, "suite", change)
    _change(evaluation, "judge_check", change)
    suites = _part(evaluation, "suites")
    _change(_part(suites, "reasoning"), "reasons", change)
    knowledge = _part(suites, "spec-knowledge")
    if isinstance(knowledge.get("others"), list):
        knowledge["others"] = [change(str(path)) for path in knowledge["others"]]
    for place in (
        _part(raw, "student"),
        *(_part(arm, "checkpoint") for arm in _parts(raw, "arms")),
    ):
        if place.get("source") == "folder":
            _change(place, "name", change)
    execution = _part(raw, "execution")
    if "://" not in str(execution.get("store", "")):
        _change(execution, "store", change)
    signing = _part(execution, "signing")
    for key in ("key", "public_key", "certificate"):
        _change(signing, key, change)
    for key in ("chain", "reviewers"):
        if isinstance(signing.get(key), list):
            signing[key] = [change(str(path)) for path in signing[key]]
    for role in ("author", "judge"):
        _change(_part(raw, role), "folder", change)
    for chats in _parts(raw, "demonstrations"):
        _change(_part(chats, "source"), "path", change)
        _change(_part(chats, "embeddings"), "folder", change)


def _part(raw: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The mapping below a key; an empty one where there is none, which the types will refuse."""
    below = raw.get(key)
    return below if isinstance(below, dict) else {}


def _parts(raw: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    return [_part(_part(raw, key), name) for name in _part(raw, key)]


def _change(place: dict[str, Any], key: str, change: Callable[[str], str]) -> None:
    if place.get(key):
        place[key] = change(str(place[key]))


def _apply(raw: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise UserError(f"--set {override}: write it as key.sub=value")
    target = raw
    *above, last = key.split(".")
    for part in above:
        below = target.setdefault(part, {})
        if not isinstance(below, dict):
            raise UserError(f"--set {override}: '{part}' has no keys below it")
        target = below
    try:
        target[last] = yaml.safe_load(value)
    except yaml.YAMLError:
        raise UserError(f"--set {override}: '{value}' is not valid YAML") from None


def _explain(error: ValidationError) -> str:
    """The first fault of a validation, in one line, with the nearest right key."""
    faults = error.errors()
    # A misspelt key also leaves the right one missing: the spelling is what to put right.
    first = next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"unknown key '{where}'{nearest(str(first['loc'][-1]), _keys_at(first['loc'][:-1]))}"
    if first["type"] == "missing":
        return f"the key '{where}' is missing"
    message = first["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message


def _keys_at(location: tuple[int | str, ...]) -> list[str]:
    """The keys allowed at a place in the recipe."""
    model: Any = Recipe
    for part in location:
        field = next(
            (f for n, f in getattr(model, "model_fields", {}).items() if part in (n, f.alias)), None
        )
        if field is not None:
            # What may be left out is a union with None.
            parts = [part for part in get_args(field.annotation) if part is not NoneType]
            optional = NoneType in get_args(field.annotation)
            model = parts[0] if optional else field.annotation
        if getattr(model, "__origin__", None) is not None and field is None:
            model = model.__args__[-1] if model.__args__[-1] is not Ellipsis else model.__args__[0]
    return [field.alias or name for name, field in getattr(model, "model_fields", {}).items()]
