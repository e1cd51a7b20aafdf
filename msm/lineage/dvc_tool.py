"""What DVC says: asked of the program, and its way to name a folder taken from its own library."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msm.errors import UserError
from msm.listing import Listing

SECONDS = 600
LOCK, PIPELINE = "dvc.lock", "dvc.yaml"
FOLDER = ".dir"  # how the MD5 of a folder ends


def folder_tree(listing: Listing) -> Any:
    """DVC's own ``Tree`` of a folder with these files, digested.

    Its ``hash_info.value`` is DVC's name of the folder, ``….dir``: the MD5 over its files' relative
    names and MD5s.
    """
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.meta import Meta
    from dvc_data.hashfile.tree import Tree

    tree: Any = Tree()
    for name, listed in listing.items():
        tree.add(tuple(name.split("/")), Meta(size=listed.size), HashInfo("md5", listed.md5))
    tree.digest()
    return tree


def locks_below(root: Path) -> tuple[Path, ...]:
    """The lock files of a workspace that is a DVC repository; hidden folders have none."""
    if not (root / ".dvc").is_dir():
        return ()
    patterns = (LOCK, f"*/{LOCK}", f"*/*/{LOCK}")
    found = {path for pattern in patterns for path in root.glob(pattern)}
    return tuple(
        path
        for path in sorted(found)
        if not any(
            part.startswith(".") or part == "outputs" for part in path.relative_to(root).parts
        )
    )


def stage_status(root: Path) -> Mapping[str, Any]:
    """What ``dvc status`` says of each stage that differs from its entry in the lock.

    Raises:
        UserError: DVC is not there, or cannot read its files: the message is its own.
    """
    done = _dvc(root, "status", "--json")
    if done.returncode != 0:
        raise UserError(_last_line(done))
    try:
        said: Mapping[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise UserError(_last_line(done)) from None
    return said


def ignored(root: Path, paths: Sequence[Path]) -> frozenset[Path]:
    """Those of the paths that DVC leaves out of folders, by the ``.dvcignore`` files.

    Raises:
        UserError: DVC is not there.
    """
    text = "".join(f"{path.relative_to(root).as_posix()}\n" for path in paths)
    done = _dvc(root, "check-ignore", "--stdin", given=text)
    return frozenset(root / line for line in done.stdout.splitlines() if line)


def cache_folder(root: Path) -> Path:
    """Where DVC keeps its copies by MD5.

    Raises:
        UserError: DVC is not there, or cannot read its configuration.
    """
    done = _dvc(root, "cache", "dir")
    if done.returncode != 0:
        raise UserError(_last_line(done))
    return Path(done.stdout.strip()) / "files" / "md5"


def read_list(cache: Path, md5: str) -> dict[str, str] | None:
    """The MD5 of each file of a folder by name, from DVC's cache; None where that is not sound."""
    try:
        content = cached(cache, md5).read_bytes()
        if f"{hashlib.md5(content, usedforsecurity=False).hexdigest()}{FOLDER}" != md5:
            return None
        return {str(item["relpath"]): str(item["md5"]) for item in json.loads(content)}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def cached(cache: Path, md5: str) -> Path:
    """Where DVC's cache keeps what has an MD5."""
    return cache / md5[:2] / md5[2:]


def _dvc(root: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    beside = Path(sys.executable).with_name("dvc")
    program = str(beside) if beside.is_file() else shutil.which("dvc")
    if program is None:
        raise UserError("the program dvc is not on the path; install DVC")
    try:
        return subprocess.run(
            [program, *arguments],
            cwd=root,
            input=given,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env={**os.environ, "DVC_NO_ANALYTICS": "1"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"dvc {arguments[0]} did not end well ({type(error).__name__})") from None


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    told = [line.removeprefix("ERROR: ") for line in lines if "ERROR" in line] or lines
    return told[0] if told else f"dvc ended with code {done.returncode}"
