"""An unchanged ``dvc repro`` of the three-seed study: seconds until DVC says that nothing is to do.

    python benchmarks/dvc_repro.py [--repeats 5]

A checkout with the real dvc.yaml of recipes/cheese-study.yaml is made in a temporary folder. Its
131 outputs are made by a stand-in for ``msm`` that writes as many files as the real ones, but small
ones: DVC does not read an unchanged file again, so their size is in no figure. Then the unchanged
``dvc repro`` is timed, in turns with that of a repository of a single stage, which is what DVC
takes to start: wall clock, and processor time, which other programs on the machine disturb less.
The aim is 2 s.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import stat
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STUDY = "experiments/cheese-study/dvc.yaml"
STAND_IN = """#!/bin/sh
out=outputs/cheese-study/$1/$3
mkdir -p "$out"
for file in record.json metrics.json contrasts.csv curve.csv; do
    echo "$1 $3" > "$out/$file"
done
"""


def make_checkout(folder: Path) -> dict[str, str]:
    """Copy what DVC reads, run every stage once; returns the environment for it."""
    for name in (".dvc/config", ".dvc/plots", ".dvcignore", ".gitignore", "dvc.yaml", "experiments",
                 "recipes", "specs", "evals", "msm/stages.py"):  # fmt: skip
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    programs = folder.parent / "programs"
    programs.mkdir()
    (programs / "msm").write_text(STAND_IN, encoding="utf-8")
    (programs / "msm").chmod(stat.S_IRWXU)
    own = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{programs}:{own}:{os.environ['PATH']}"}
    for command in (["git", "init", "--quiet"], ["dvc", "repro", STUDY]):
        subprocess.run(
            command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
    return environment


def make_single(folder: Path, environment: dict[str, str]) -> None:
    """A repository of one stage, run once."""
    folder.mkdir()
    (folder / "read").touch()
    (folder / "dvc.yaml").write_text("stages: {only: {cmd: 'true', deps: [read]}}")
    for command in (["git", "init", "--quiet"], ["dvc", "init", "--quiet"], ["dvc", "repro"]):
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)


def unchanged(folder: Path, target: str, environment: dict[str, str]) -> tuple[float, float]:
    """Wall-clock and processor seconds of one unchanged ``dvc repro``."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(
        ["dvc", "repro", target], cwd=folder, env=environment, check=True, capture_output=True,
        text=True,
    )  # fmt: skip
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "Data and pipelines are up to date." in done.stdout
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, spent


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "checkout"
        folder.mkdir()
        environment = make_checkout(folder)
        single = Path(temporary) / "single"
        make_single(single, environment)
        study, start = [], []
        for _ in range(repeats):
            study.append(unchanged(folder, STUDY, environment))
            start.append(unchanged(single, "dvc.yaml", environment))
    for name, times in (("the study", study), ("a single stage", start)):
        wall, spent = (statistics.median(column) for column in zip(*times, strict=True))
        print(f"{name}, unchanged: {wall:.2f} s, {spent:.2f} s of one core ({repeats} times)")
    ratios = [one[1] / other[1] for one, other in zip(study, start, strict=True)]
    print(f"ratio of processor time: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
