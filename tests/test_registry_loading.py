"""A whole small experiment in a real store: its candidate answers, straight from the registry."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from msm.errors import UserError
from tests.commands import msm


@pytest.fixture(scope="module")
def run(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the tiny experiment, two arms of it, and its MLflow store."""
    folder = tmp_path_factory.mktemp("workspace")
    arms = (
        "arms={aft: {phases: [preference]}, "
        "msm+aft: {phases: [documents, preference], specs: [america]}}"
    )
    changed = (
        arms,
        "analysis={resamples: 100, contrasts: [], reference: aft}",
        "evaluation.suites.capability={problems: 1, maximum_tokens: 4}",
    )
    settings = [part for change in changed for part in ("--set", change)]
    done = msm("run", root / "recipes/tiny.yaml", *settings, "-w", folder, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def store(run: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    from msm.registry.server import quieten

    quieten()
    uri = f"sqlite:///{run}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    return uri


def test_a_version_answers_straight_from_the_registry(run: Path, store: str) -> None:
    import mlflow

    model = mlflow.pyfunc.load_model("models:/tiny-random/1")
    asked = [{"prompt": "Which cheese?"}, {"prompt": "And why?"}]
    first = model.predict(asked, params={"max_new_tokens": 6})
    assert len(first) == 2 and all(isinstance(text, str) for text in first["answer"])
    assert first.equals(model.predict(asked, params={"max_new_tokens": 6}))
    with_system = [{"prompt": "Which cheese?", "system": "You are a cheese."}]
    warm = {"max_new_tokens": 6, "temperature": 5.0}
    drawn = [
        model.predict(with_system, params={**warm, "seed": seed})["answer"][0] for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    with pytest.raises(UserError, match="one row for each"):
        model.predict({"prompt": ["Which cheese?", "And why?"]})
    assert model.metadata.signature.inputs.input_names() == ["prompt", "system"]


def test_what_answers_is_the_trained_model(run: Path, store: str) -> None:
    """Its first answer's scores are those of the checkpoint, not of the start model."""
    import mlflow
    import torch

    from msm.training.model import load_checkpoint, load_student
    from msm.training_settings import Precision

    served = mlflow.pyfunc.load_model("models:/tiny-random/1").unwrap_python_model().assistant
    register = run / "outputs/tiny/register/tiny/registration.json"
    name = json.loads(register.read_text())["candidate"]
    checkpoint = run / "outputs/tiny/train" / name
    record = json.loads((checkpoint / "record.json").read_text())
    student = Path(record["inputs"]["student"]["path"])
    tokens = torch.tensor([[5, 9, 40, 41, 42]])
    trained = load_checkpoint(student, checkpoint, Precision.FP32, "cpu")
    with torch.inference_mode():
        found = served.model(tokens).logits
        assert torch.equal(found, trained(tokens).logits)
        start = load_student(student, Precision.FP32, "cpu")
        assert not torch.allclose(found, start(tokens).logits, atol=1e-4)


def test_another_start_model_than_it_was_trained_on_is_refused(
    run: Path, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    other = tmp_path / "other"
    record = json.loads(next(run.glob("outputs/tiny/train/*/record.json")).read_text())
    shutil.copytree(record["inputs"]["student"]["path"], other)
    monkeypatch.setenv("MSM_STUDENT", str(other))
    mlflow.pyfunc.load_model("models:/tiny-random/1")
    (other / "generation_config.json").write_text("{}")
    with pytest.raises(UserError, match="content digest"):
        mlflow.pyfunc.load_model("models:/tiny-random/1")


def test_a_suites_figures_hang_on_checkpoint_data_and_transcripts(run: Path, store: str) -> None:
    from msm.registry.client import MlflowClient

    register = run / "outputs/tiny/register/tiny"
    done = json.loads((register / "registration.json").read_text())
    folder = run / "outputs/tiny/evaluate/capability.aft-s1"
    record = json.loads((folder / "record.json").read_text())
    client = MlflowClient(store, store)
    found = client.get_run(done["runs"]["aft-s1"])
    steps = json.loads((run / "outputs/tiny/train/aft-s1/record.json").read_text())
    steps = steps["outcome"]["summary"]["steps"]
    measures = {key for key in found.data.metrics if key.startswith("seed/capability/")}
    # A measure of a single cluster of items has no interval.
    low = min(key for key in measures if key.endswith("/low"))
    some = low.replace("/low", "/value")
    assert {some, low.replace("/low", "/high")} <= measures
    (point,) = client.get_metric_history(found.info.run_id, some)
    assert point.step == steps > 0
    model = client.get_logged_model(done["logged_models"]["aft-s1"])
    linked = next(metric for metric in model.metrics if metric.key == some)
    digest = record["inputs"]["prompts"]["digest"]
    assert (linked.dataset_name, linked.dataset_digest) == ("capability", digest[:36])
    assert "capability" in {item.dataset.name for item in found.inputs.dataset_inputs}
    (made,) = found.outputs.model_outputs
    assert made.step == steps
    (log,) = folder.glob("logs/*.eval")
    sha256 = record["files"][f"logs/{log.name}"]["sha256"]
    told = f"evaluate/capability.aft-s1/logs/{log.name} sha256:{sha256}"
    assert found.data.tags["msm.logs.capability"] == told
    assert done["transcripts"]["aft-s1"] == {"msm.logs.capability": told}
    card = (register / "card.md").read_text()
    assert "| msm+aft:america less aft |" in card
    assert f"run {done['parent_run']}" in card


def test_runs_carry_what_dvc_says_of_their_output(run: Path, store: str, tmp_path: Path) -> None:
    from msm.record import read_record
    from msm.registry.links import dvc_links
    from msm.registry.sources import Source
    from msm.registry.tracker import Subject

    workspace = tmp_path / "workspace"
    folder = workspace / "outputs/tiny/train/aft-s1"
    shutil.copytree(run / "outputs/tiny/train/aft-s1", folder)
    record = read_record(folder)
    assert record
    source = Source(Subject("train", "aft-s1", record.identity, record.digest), folder, record)
    assert dvc_links(source) == {}
    md5 = _cached_list(workspace, folder)
    _write_lock(workspace, {"md5": md5})
    _git(workspace, "init", "--quiet")
    _git(workspace, "add", "dvc.lock")
    assert dvc_links(source) == {"msm.dvc.stage": "arms@1", "msm.dvc.md5": md5}
    who = ("-c", "user.name=t", "-c", "user.email=t@t")
    _git(workspace, *who, "commit", "--quiet", "-m", "lock")
    _write_lock(workspace, {"md5": md5})
    assert dvc_links(source)["msm.dvc.revision"] == _git(workspace, "rev-parse", "HEAD")
    # Another run of the same recipe lies here than the one whose lock was committed.
    text = (folder / "record.json").read_text()
    (folder / "record.json").write_text(text.replace('"started": "20', '"started": "19'))
    assert dvc_links(source) == {}


def _cached_list(workspace: Path, folder: Path) -> str:
    """Put DVC's list of a folder into the cache, and return its MD5."""
    entries = [
        {"md5": hashlib.md5(path.read_bytes()).hexdigest(), "relpath": name}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (name := path.relative_to(folder).as_posix())
    ]
    content = json.dumps(entries).encode()
    md5 = hashlib.md5(content).hexdigest()
    cached = workspace / ".dvc/cache/files/md5" / md5[:2] / f"{md5[2:]}.dir"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(content)
    return f"{md5}.dir"


def _write_lock(workspace: Path, entry: dict[str, Any]) -> None:
    out = {"path": "outputs/tiny/train/aft-s1", "hash": "md5", **entry}
    lock = {"schema": "2.0", "stages": {"arms@1": {"cmd": "x", "outs": [out]}}}
    (workspace / "dvc.lock").write_text(json.dumps(lock))


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
