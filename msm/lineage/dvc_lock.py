"""``dvc.lock``, read without DVC: what each stage's entry says of its command and its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from msm.errors import UserError
from msm.lineage.dvc_tool import PIPELINE

SCHEMA = "2.0"
_STAGE_KEYS = {"cmd", "deps", "params", "outs"}
_FILE_KEYS = {"path", "hash", "md5", "size", "nfiles", "isexec"}


@dataclass(frozen=True)
class Locked:
    """A file or folder as an entry names it: its path, MD5, size in bytes, and number of files."""

    path: Path
    md5: str
    size: int | None
    files: int | None
    is_output: bool


@dataclass(frozen=True)
class LockedStage:
    """A stage's entry: its name, the lock it stands in, its commands, and what it read and made."""

    name: str
    lock: Path
    commands: tuple[str, ...]
    files: tuple[Locked, ...]

    @property
    def outputs(self) -> tuple[Path, ...]:
        """The paths of what it made."""
        return tuple(item.path for item in self.files if item.is_output)

    @property
    def labels(self) -> tuple[str, ...]:
        """``stage/name`` of each task that its commands run; those that are not msm's have none."""
        words = [command.split() for command in self.commands]
        return tuple(f"{w[1]}/{w[3]}" for w in words if len(w) > 3 and w[0] == "msm")


def read_lock(lock: Path, root: Path) -> tuple[LockedStage, ...]:
    """The entries of a lock file, with absolute paths.

    Raises:
        UserError: it is malformed, or has a key or hash that DVC does not write here.
    """
    try:
        raw = yaml.safe_load(lock.read_text(encoding="utf-8"))
        if set(raw) != {"schema", "stages"} or raw["schema"] != SCHEMA:
            raise ValueError(f"its keys are not 'schema' ({SCHEMA}) and 'stages'")
        folders = _working_folders(lock)
        prefix = "" if lock.parent == root else f"{_pipeline(lock, root)}:"
        return tuple(
            _stage(f"{prefix}{name}", entry, lock, folders.get(name.partition("@")[0], lock.parent))
            for name, entry in raw["stages"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        told = " ".join(str(error).split())[:200]
        raise UserError(f"{lock} cannot be read: {told}") from None


def _stage(name: str, entry: Mapping[str, Any], lock: Path, folder: Path) -> LockedStage:
    if not set(entry) <= _STAGE_KEYS or "cmd" not in entry:
        raise ValueError(
            f"the entry of {name} has other keys than {', '.join(sorted(_STAGE_KEYS))}"
        )
    files = [
        _file(item, folder, is_output=kind == "outs")
        for kind in ("deps", "outs")
        for item in entry.get(kind, ())
    ]
    commands = entry["cmd"] if isinstance(entry["cmd"], list) else [entry["cmd"]]
    return LockedStage(name, lock, tuple(map(str, commands)), tuple(files))


def _file(item: Mapping[str, Any], folder: Path, is_output: bool) -> Locked:
    if not set(item) <= _FILE_KEYS or item.get("hash") != "md5":
        raise ValueError(f"'{item.get('path')}' is not named by its MD5 as DVC names it")
    path = Path(item["path"])
    where = path if path.is_absolute() else (folder / path).resolve()
    return Locked(where, str(item["md5"]), item.get("size"), item.get("nfiles"), is_output)


def _working_folders(lock: Path) -> dict[str, Path]:
    """The ``wdir`` of each stage in the ``dvc.yaml`` beside a lock, where it has one."""
    pipeline = lock.with_name(PIPELINE)
    raw = yaml.safe_load(pipeline.read_text(encoding="utf-8")) if pipeline.is_file() else {}
    stages = (raw or {}).get("stages") or {}
    return {
        name: lock.parent / stage["wdir"]
        for name, stage in stages.items()
        if isinstance(stage, Mapping) and isinstance(stage.get("wdir"), str)
    }


def _pipeline(lock: Path, root: Path) -> str:
    return lock.with_name(PIPELINE).relative_to(root).as_posix()
