"""Where something is made again: the commit's source in a clean clone, and an environment."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from msm.errors import UserError
from msm.record import COMMIT_VARIABLE, IMAGE_VARIABLE
from msm.registry.live import PARENT_VARIABLE
from msm.store import STORE_VARIABLE

LOCK = "requirements.lock"
_PINNED = re.compile(r"([A-Za-z0-9._-]+)==([^\s;]+)")
# What would let a rerun take an output instead of making it, or say that it was made elsewhere.
_LEFT_OUT = (STORE_VARIABLE, COMMIT_VARIABLE, IMAGE_VARIABLE, PARENT_VARIABLE)


class Environment(StrEnum):
    """Which Python environment a rerun uses."""

    AUTO = "auto"  # the running one if it is what the commit's lock file names, else a new one
    CURRENT = "current"
    NEW = "new"


@dataclass(frozen=True)
class World:
    """A folder with the source at a commit, and the interpreter to run it with."""

    folder: Path
    source: Path
    python: Path
    note: str = ""

    def run(self, arguments: Sequence[str], log: Path) -> None:
        """Run ``msm`` there; what it says goes into a file.

        Raises:
            UserError: it failed; with the last line that it said.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w", encoding="utf-8") as out:
            done = subprocess.run(
                [str(self.python), "-m", "msm", *arguments],
                cwd=self.folder, env=self._environment(), stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip
        if done.returncode:
            said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            last = said[-1] if said else f"exit code {done.returncode}"
            raise UserError(f"`msm {' '.join(arguments[:3])}` failed: {last} (all of it: {log})")

    def _environment(self) -> Mapping[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
        return {
            **kept,
            "PYTHONPATH": str(self.source),
            "MLFLOW_TRACKING_URI": f"sqlite:///{self.folder / 'mlflow.db'}",
        }


def make_world(folder: Path, repository: Path, commit: str, environment: Environment) -> World:
    """Clone a commit into ``folder/source`` and see to an environment; again, it goes on.

    Args:
        folder: of the rerun, absolute.
        repository: a git repository that has the commit.
        commit: whole.
        environment: which one.

    Raises:
        UserError: the repository lacks the commit; the folder holds another rerun; no environment
            can be made.
    """
    source = folder / "source"
    if not source.exists():
        folder.mkdir(parents=True, exist_ok=True)
        aside = folder / ".source"
        _git(["clone", "--quiet", "--no-checkout", str(repository), str(aside)], "cannot clone")
        _git(
            ["-C", str(aside), "checkout", "--quiet", "--detach", commit],
            f"{repository} has no commit {commit[:12]}; fetch it, or name another --repository",
        )
        aside.rename(source)
    head = _git(["-C", str(source), "rev-parse", "HEAD"], f"{source} is no clone")
    if head != commit:
        raise UserError(f"{source} is at {head[:12]}, not {commit[:12]}; give another --into")
    if _git(["-C", str(source), "status", "--porcelain"], f"{source} is no clone"):
        raise UserError(f"{source} was changed; give another --into")
    differing = _not_installed(source / LOCK)
    if environment is Environment.CURRENT or (environment is Environment.AUTO and not differing):
        told = f"{len(differing)} packages are not as locked ({', '.join(differing[:3])}, …)"
        return World(folder, source, Path(sys.executable), told if differing else "")
    return World(folder, source, _new_environment(folder, source))


def _not_installed(lock: Path) -> list[str]:
    """What a lock file names and this environment has not, or has in another version."""
    if not lock.is_file():
        return [f"no {LOCK} at that commit"]
    differing = []
    for name, version in _PINNED.findall(lock.read_text(encoding="utf-8")):
        try:
            there = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            there = ""
        if there.partition("+")[0] != version.partition("+")[0]:  # torch's build is not locked
            differing.append(f"{name} {there or 'missing'}")
    return differing


def _new_environment(folder: Path, source: Path) -> Path:
    """A virtual environment from the commit's lock file, made as the Makefile makes one."""
    python = folder / ".venv" / "bin" / "python"
    done = folder / ".venv" / ".installed"
    if done.exists():
        return python
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-deps"]
    for command in (
        [sys.executable, "-m", "venv", str(folder / ".venv")],
        [*install, "--requirement", str(source / LOCK)],
        [*install, "--no-build-isolation", "--editable", str(source)],
    ):
        made = subprocess.run(command, capture_output=True, text=True)
        if made.returncode:
            said = (made.stderr or made.stdout).strip().splitlines()
            raise UserError(
                f"no environment of that commit's {LOCK}: {said[-1] if said else command}; or "
                "give --environment current"
            )
    done.touch()
    return python


def _git(arguments: Sequence[str], fault: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True)
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise UserError(f"{fault} ({said[-1] if said else 'git failed'})")
    return done.stdout.strip()
