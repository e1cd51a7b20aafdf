"""``msm rerun``: made again from commit, data and recipe, elsewhere; green if it is the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from msm.identity import RECORD, digest_file, digest_value
from msm.jsonl import write_shards
from msm.lineage.behaviour import compare_behaviour
from msm.reporting.tables import BOTH
from msm.table import read_table, write_table
from tests.commands import msm

ARMS = (
    "arms={baseline: {phases: [instruction]}, aft: {phases: [preference]}, "
    "msm: {phases: [documents, instruction], specs: [affordability]}}"
)


@pytest.fixture(scope="module")
def home(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a small experiment, finished; not to be written to."""
    workspace = tmp_path_factory.mktemp("home")
    recipe = root / "recipes" / "tiny.yaml"
    done = msm(
        "run", recipe, "--set", ARMS, "--set", "register.arm=aft", cwd=workspace,
        MLFLOW_TRACKING_URI=f"sqlite:///{workspace}/mlflow.db",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return workspace


@pytest.fixture
def elsewhere(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that workspace, for another user with an empty home."""
    for variable, folder in (("HOME", "user"), ("XDG_CACHE_HOME", "cache"), ("MSM_CACHE", "msm")):
        monkeypatch.setenv(variable, str(tmp_path / folder))
    monkeypatch.setenv("MSM_STORE", "")
    workspace = tmp_path / "copy"
    shutil.copytree(home, workspace)
    return workspace


@pytest.mark.slow
def test_an_experiment_comes_out_the_same_elsewhere(elsewhere: Path, tmp_path: Path) -> None:
    verdict = _rerun(elsewhere, tmp_path, "report/tiny")
    assert verdict["verdict"] == "green"
    made = {item["label"]: item["agreement"] for item in verdict["outputs"]}
    assert set(made.values()) == {"same bytes"}
    assert {"curate/affordability-s1", "train/aft-s1", "evaluate/msm-affordability-s1"} < set(made)
    assert all(item["expected"] == item["made"] for item in verdict["outputs"])
    assert (tmp_path / "again" / "outputs" / "tiny" / "report" / "tiny" / "report.html").exists()


def test_from_a_stage_on_the_earlier_outputs_are_taken(elsewhere: Path, tmp_path: Path) -> None:
    verdict = _rerun(elsewhere, tmp_path, "report/tiny", "--from", "report")
    made = {item["label"]: item["agreement"] for item in verdict["outputs"]}
    assert verdict["verdict"] == "green"
    assert made.pop("report/tiny") == "same bytes"
    assert set(made.values()) == {"taken, not made again"}


def test_a_row_that_the_recipe_does_not_make_is_named(elsewhere: Path, tmp_path: Path) -> None:
    folder = elsewhere / "outputs/tiny/demonstrate/instruction-s1"
    (path,) = folder.glob("chats-*.jsonl")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([*lines[:4], lines[0], *lines[5:]]), encoding="utf-8")
    _record_anew(folder, path)
    verdict = _rerun(elsewhere, tmp_path, "demonstrate/instruction-s1", red=True)
    (found,) = verdict["outputs"]
    assert (verdict["verdict"], found["agreement"]) == ("red", "differs")
    assert path.name in found["why"]
    assert "line 5" in found["why"]


def test_a_file_changed_behind_its_record_is_named(elsewhere: Path, tmp_path: Path) -> None:
    folder = elsewhere / "outputs/tiny/demonstrate/instruction-s1"
    (path,) = folder.glob("chats-*.jsonl")
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    verdict = _rerun(elsewhere, tmp_path, "demonstrate/instruction-s1", red=True)
    assert path.name in verdict["outputs"][0]["why"]
    assert "record" in verdict["outputs"][0]["why"]


def test_a_contrast_that_the_scores_do_not_give_is_named(elsewhere: Path, tmp_path: Path) -> None:
    folder = elsewhere / "outputs/tiny/report/tiny"
    path = folder / "contrasts.csv"
    rows = [dict(row) for row in read_table(path)]
    changed = next(row for row in rows if row["axis"] == BOTH)
    changed |= {name: str(float(changed[name]) + 3) for name in ("estimate", "low", "high")}
    write_table(path, rows)
    _record_anew(folder, path)
    verdict = _rerun(elsewhere, tmp_path, "report/tiny", "--from", "report", red=True)
    found = verdict["outputs"][-1]
    assert (found["label"], found["agreement"]) == ("report/tiny", "differs")
    outside = [item["name"] for item in found["behaviour"] if not item["holds"]]
    assert len(outside) == 1
    assert outside[0] in found["why"]


def test_settings_of_another_kind_are_named(elsewhere: Path, tmp_path: Path) -> None:
    reference = "demonstrate/instruction-s1"
    change = ("--set", "demonstrations.instruction.count=9")
    verdict = _rerun(elsewhere, tmp_path, reference, *change, red=True)
    assert "count" in verdict["outputs"][0]["why"]
    assert verdict["outputs"][0]["expected"] != verdict["outputs"][0]["made"]


def test_what_names_no_recipe_cannot_be_made_again(elsewhere: Path) -> None:
    path = elsewhere / "outputs/tiny/demonstrate/instruction-s1" / RECORD
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**record, "origin": {}}), encoding="utf-8")
    done = msm("rerun", "demonstrate/instruction-s1", cwd=elsewhere)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "names no recipe" in done.stderr
    assert not (elsewhere / "rerun").exists()


@pytest.mark.parametrize(
    ("spread", "shift", "clusters", "holds"),
    [
        (0.0, 0.0, 24, True),
        (0.05, 0.0, 24, True),
        (0.05, 0.5, 24, False),
        (0.3, 0.0, 4, False),  # too few to say that they are alike
    ],
)
def test_students_are_alike_if_the_test_of_equivalence_says_so(
    spread: float, shift: float, clusters: int, holds: bool, tmp_path: Path
) -> None:
    noise = np.random.default_rng(5)
    rows = [
        {"axis": "price", "frame": "own", "cluster": f"c{n // 3}", "id": f"i{n}", "score": n / 50}
        for n in range(clusters * 3)
    ]
    other = [{**row, "score": row["score"] + shift + noise.normal(0, spread)} for row in rows]
    for name, scores in (("a", rows), ("b", other)):
        (tmp_path / name).mkdir()
        write_shards(tmp_path / name, "scores", scores)
    (found,) = compare_behaviour(tmp_path / "a", tmp_path / "b")
    assert found.name == "price, own frame"
    assert found.holds is holds
    assert found.before[0] == pytest.approx(np.mean([row["score"] for row in rows]))


def _rerun(
    workspace: Path, tmp_path: Path, reference: str, *options: str, red: bool = False
) -> dict[str, Any]:
    into = tmp_path / "again"
    done = msm(
        "rerun", reference, "-w", workspace, "--into", into, *options, "--environment", "current",
        "--json", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == int(red), done.stderr
    verdict: dict[str, Any] = json.loads(done.stdout)
    assert json.loads((into / "verdict.json").read_text(encoding="utf-8")) == verdict
    return verdict


def _record_anew(folder: Path, changed: Path) -> None:
    """Make a record agree with a file that was changed, as whoever changes both would."""
    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    entry = record["files"][changed.name]
    entry["sha256"], entry["size"] = digest_file(changed), changed.stat().st_size
    record["digest"] = digest_value({n: e["sha256"] for n, e in record["files"].items()})
    (folder / RECORD).write_text(json.dumps(record), encoding="utf-8")
