"""The command line: help at once, and one clear line with exit code 2 for each mistake."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tests.commands import msm


@pytest.fixture
def tiny(root: Path) -> Path:
    return root / "recipes" / "tiny.yaml"


def _one_line(error: str) -> str:
    lines = error.strip().splitlines()
    assert len(lines) == 1, error
    assert lines[0].startswith("msm: ")
    return lines[0]


def _files(folder: Path) -> set[Path]:
    """All files but the empty ones that processes lock."""
    every = {path for path in folder.rglob("*") if path.is_file()}
    return {path for path in every if path.suffix != ".lock"}


def test_help_loads_no_heavy_library(tmp_path: Path) -> None:
    done = msm("--help", cwd=tmp_path, PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    for stage in ("plan", "write", "curate", "demonstrate", "train", "evaluate", "report"):
        assert stage in done.stdout
    for library in ("torch", "transformers", "inspect_ai", "mlflow", "kfp", "numpy"):
        assert f"| {library}\n" not in done.stderr.replace("|   ", "| ").replace("  ", "")


def test_a_missing_spec(tiny: Path, tmp_path: Path) -> None:
    missing = tmp_path / "none.md"
    done = msm("run", tiny, "--set", f"specs.america.path={missing}", cwd=tmp_path)
    assert done.returncode == 2
    assert f"spec {missing} does not exist" in _one_line(done.stderr)
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"# Title\n", "no front matter"),
        (b"---\nvalue: v\n---\n", "lacks 'domain"),
        (b"---\nvalue: v\ndomain: d\n---\n# T\n## Core philosophy\nText.\n", "no item"),
        (b"\xff\xfe---", "not UTF-8"),
        (b"---\nvalue: v\ndomain: d\n---\n" + 10_000_000 * b"x", "is larger than 1 MB"),
    ],
    ids=("empty", "no front matter", "no domain", "no item", "not text", "too long"),
)
def test_a_malformed_spec(tiny: Path, tmp_path: Path, content: bytes, message: str) -> None:
    spec = tmp_path / "spec.md"
    spec.write_bytes(content)
    done = msm("plan", tiny, "america-s1", "--set", f"specs.america.path={spec}", cwd=tmp_path)
    assert done.returncode == 2
    assert message in _one_line(done.stderr)
    assert _files(tmp_path) == {spec}


def test_a_spec_that_cannot_be_read(tiny: Path, tmp_path: Path) -> None:
    folder, locked = tmp_path / "folder", tmp_path / "locked.md"
    folder.mkdir()
    locked.write_text("---\nvalue: v\n---\n")
    locked.chmod(0)
    places = [(folder, "Is a directory")]
    if os.geteuid():  # root may read everything
        places.append((locked, "Permission denied"))
    for spec, reason in places:
        done = msm("plan", tiny, "america-s1", "--set", f"specs.america.path={spec}", cwd=tmp_path)
        assert done.returncode == 2
        assert f"spec {spec} cannot be read: {reason}" in _one_line(done.stderr)
        assert _files(tmp_path) == {locked}


def test_an_unknown_recipe_key(tiny: Path, tmp_path: Path) -> None:
    done = msm("run", tiny, "--set", "training.lora.ranks=4", cwd=tmp_path)
    assert done.returncode == 2
    assert "unknown key 'training.lora.ranks'; did you mean 'rank'?" in _one_line(done.stderr)


def test_an_unknown_key_in_a_recipe_file(tiny: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(f"extends: {tiny}\nname: odd\ncorpus: {{document: 5}}\n")
    for stage in ("plan", "write", "demonstrate"):
        done = msm(stage, recipe, "america-s1", cwd=tmp_path)
        assert done.returncode == 2
        assert "unknown key 'corpus.document'; did you mean 'documents'?" in _one_line(done.stderr)
    assert _files(tmp_path) == {recipe}


def test_an_arm_with_an_unknown_spec(tiny: Path, tmp_path: Path) -> None:
    done = msm("run", tiny, "--set", "arms.msm.specs=[amerika]", cwd=tmp_path)
    assert done.returncode == 2
    assert "unknown spec 'amerika'; did you mean 'america'?" in _one_line(done.stderr)


def test_a_model_folder_without_safetensors(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    student = f"student={{source: folder, name: {folder}}}"
    done = msm("run", tiny, "--set", student, cwd=tmp_path)
    assert done.returncode == 2
    assert "no *.safetensors file" in _one_line(done.stderr)


def test_an_output_of_another_identity(tiny: Path, tmp_path: Path) -> None:
    assert msm("plan", tiny, "america-s1", cwd=tmp_path).returncode == 0
    record = tmp_path / "outputs" / "tiny" / "plan" / "america-s1" / "record.json"
    before = record.read_text()
    other = ("plan", tiny, "america-s1", "--set", "corpus.documents=5")
    done = msm(*other, cwd=tmp_path)
    assert done.returncode == 2
    assert "--replace" in _one_line(done.stderr)
    assert record.read_text() == before
    assert msm(*other, "--replace", cwd=tmp_path).returncode == 0
    assert record.read_text() != before


def test_a_workspace_that_cannot_be_written(tiny: Path, tmp_path: Path) -> None:
    places = [tiny] if os.geteuid() else [tiny, Path("/proc")]
    for place in places:
        done = msm("run", tiny, "--workspace", place, cwd=tmp_path)
        assert done.returncode == 2
        assert "choose another --workspace" in _one_line(done.stderr)


def test_mlflow_out_of_reach(tiny: Path, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        uri = f"http://user:secret@127.0.0.1:{free.getsockname()[1]}"
    done = msm("run", tiny, cwd=tmp_path, MLFLOW_TRACKING_URI=uri)
    assert done.returncode == 2
    line = _one_line(done.stderr)
    assert "MLflow" in line
    assert "secret" not in line
    assert not list(tmp_path.rglob("record.json"))


def test_an_unknown_task_names_the_nearest(tiny: Path, tmp_path: Path) -> None:
    done = msm("train", tiny, "msm-amerika-s1", cwd=tmp_path)
    assert done.returncode == 2
    assert "did you mean 'msm-america-s1'?" in _one_line(done.stderr)


def test_status_tells_done_from_missing(tiny: Path, tmp_path: Path) -> None:
    assert msm("plan", tiny, "america-s1", cwd=tmp_path).returncode == 0
    done = msm("status", tiny, cwd=tmp_path)
    assert done.returncode == 0
    assert "1 done" in done.stdout
    assert "missing" in done.stdout
    changed = msm("status", tiny, "--set", "corpus.documents=5", cwd=tmp_path)
    assert "1 outdated" in changed.stdout
