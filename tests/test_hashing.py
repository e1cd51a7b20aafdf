"""Hashing many files: the same digests as one at a time, whatever the number of workers."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from msm.lineage.hashing import BUFFER, hash_files

SIZES = (0, 1, 63, 64, BUFFER - 1, BUFFER, BUFFER + 1, 3 * BUFFER + 17)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = []
    for number, size in enumerate(SIZES):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(os.urandom(size))
        paths.append(path)
    return paths


@pytest.mark.parametrize("workers", [1, 2, 16])
def test_digests_are_those_of_the_bytes(files: list[Path], workers: int) -> None:
    read: list[int] = []
    found = hash_files([*files, files[0]], workers, read.append, md5_of={files[5]})
    assert set(found) == set(files)
    for path, size in zip(files, SIZES, strict=True):
        content = path.read_bytes()
        assert (found[path].size, found[path].fault) == (size, "")
        assert found[path].sha256 == hashlib.sha256(content).hexdigest()
        assert found[path].md5 == (hashlib.md5(content).hexdigest() if path == files[5] else "")
    assert max(read) == sum(SIZES)


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="there is no sha256sum")
def test_digests_are_those_of_coreutils(files: list[Path]) -> None:
    done = subprocess.run(["sha256sum", *files], capture_output=True, text=True, check=True)
    theirs = {line[66:]: line[:64] for line in done.stdout.splitlines()}
    assert {str(path): item.sha256 for path, item in hash_files(files).items()} == theirs


def test_what_cannot_be_read_hides_nothing(files: list[Path], tmp_path: Path) -> None:
    found = hash_files([*files, tmp_path / "missing", tmp_path])
    assert found[tmp_path / "missing"].fault == "No such file or directory"
    assert found[tmp_path].fault
    assert all(not found[path].fault for path in files)
    assert hash_files([]) == {}
