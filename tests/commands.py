"""Running the command line as a person would, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from msm.record import read_record

# Not ``-m msm``, which would take a folder named ``msm`` where it is started for the package.
MSM = str(Path(sys.executable).with_name("msm"))


def msm(*arguments: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``msm ARGUMENTS`` to its end; returns exit code and both outputs."""
    return subprocess.run(
        [MSM, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )


def start_msm(*arguments: object, cwd: Path) -> subprocess.Popen[str]:
    """Start ``msm ARGUMENTS`` and return at once."""
    return subprocess.Popen(
        [MSM, *map(str, arguments)],
        cwd=cwd,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def identities(outputs: Path) -> dict[str, str]:
    """Identity of every output below an experiment's folder, by ``stage/name``."""
    found = {}
    for path in sorted(outputs.glob("*/*/record.json")):
        record = read_record(path.parent)
        assert record is not None
        found[f"{path.parent.parent.name}/{path.parent.name}"] = record.identity
    return found
