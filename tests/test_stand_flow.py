"""On the local stand, DVC and KFP make the same outputs, and MLflow, S3 and DVC keep them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from msm.identity import digest_path
from msm.recipe_file import load_recipe
from msm.record import read_record
from pipelines.run_local import run_local
from stack.credentials import read_credentials
from stack.environment import REMOTE, variables
from stack.place import Place, ServiceName
from stack.processes import stop
from stack.seaweedfs import MLFLOW_BUCKET
from stack.seaweedfs import client as s3_client
from stack.stand import up
from tests.checkouts import RECIPE, records, run, small_checkout
from tests.commands import MSM, identities, msm
from tests.stands import needs_postgres, temporary_stand

pytestmark = [pytest.mark.slow, needs_postgres]

PATIENCE_SECONDS = 300
PIPELINE = "pipeline"
BEGUN = 2  # runs after which a registration counts as begun
AUTHOR = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")


@dataclass(frozen=True)
class Flow:
    """The experiment in small, made by ``dvc repro`` on a stand."""

    place: Place
    checkout: Path
    environment: Mapping[str, str]

    @property
    def client(self) -> Any:
        """MLflow's own client; the environment has the password."""
        from mlflow import MlflowClient

        return MlflowClient(self.environment["MLFLOW_TRACKING_URI"])

    def runs(self, experiment: str) -> list[Any]:
        """What was registered of an experiment, nothing if it is not there yet."""
        return [run for run in self._all(experiment) if run.info.run_name != PIPELINE]

    def pipelines(self, experiment: str) -> list[Any]:
        """The runs that pipelines left of themselves."""
        return [run for run in self._all(experiment) if run.info.run_name == PIPELINE]

    def _all(self, experiment: str) -> list[Any]:
        found = self.client.get_experiment_by_name(experiment)
        return list(self.client.search_runs([found.experiment_id])) if found else []


@pytest.fixture(scope="module")
def made(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flow]:
    """The stand, and on it the experiment; made once."""
    with temporary_stand() as place, pytest.MonkeyPatch.context() as patch:
        environment = variables(place, read_credentials(place))
        _set(patch, environment)
        checkout = small_checkout(root, tmp_path_factory.mktemp("stand") / "checkout")
        run(checkout, "dvc", "repro")
        yield Flow(place, checkout, environment)


@pytest.fixture
def flow(made: Flow, monkeypatch: pytest.MonkeyPatch) -> Flow:
    """The same, with this test's environment pointing to the stand."""
    _set(monkeypatch, made.environment)
    return made


def test_kfp_makes_what_dvc_makes_and_registers_nothing_twice(flow: Flow, tmp_path: Path) -> None:
    runs = len(flow.runs("cheese"))
    made = run_local(load_recipe(flow.checkout / RECIPE), tmp_path)
    ours = identities(flow.checkout / "outputs" / "cheese")
    assert {label: _identity(folder) for label, folder in made.items()} == ours
    mine = flow.checkout / "outputs/cheese/register/cheese/registration.json"
    assert (made["register/cheese"] / mine.name).read_bytes() == mine.read_bytes()
    assert len(flow.runs("cheese")) == runs
    (pipeline,) = flow.pipelines("cheese")
    assert pipeline.info.status == "FINISHED"
    assert pipeline.data.metrics["msm/done"] == pipeline.data.metrics["msm/tasks"] == len(ours)
    assert len(flow.client.search_model_versions("name = 'tiny-random'")) == 1


def test_mlflow_holds_runs_and_models_and_s3_their_files(flow: Flow) -> None:
    trained = {path.name for path in (flow.checkout / "outputs/cheese/train").glob("[!.]*")}
    runs = {run.info.run_name: run for run in flow.runs("cheese")}
    assert set(runs) == {*trained, "cheese"}
    for name in trained:
        assert runs[name].info.status == "FINISHED"
        assert "train/loss" in runs[name].data.metrics
        assert "live/loss" in runs[name].data.metrics
    (version,) = flow.client.search_model_versions("name = 'tiny-random'")
    chosen = (
        flow.checkout / "outputs/cheese/train" / flow.client.get_run(version.run_id).info.run_name
    )
    s3 = s3_client(flow.place, read_credentials(flow.place))
    kept = [item["Key"] for item in s3.list_objects_v2(Bucket=MLFLOW_BUCKET)["Contents"]]
    (weights,) = (key for key in kept if key.endswith("adapter_model.safetensors"))
    got = s3.get_object(Bucket=MLFLOW_BUCKET, Key=weights)["Body"].read()
    assert got == (chosen / "adapter_model.safetensors").read_bytes()
    assert any(key.endswith("report/report.html") for key in kept)
    card = (flow.checkout / "outputs/cheese/register/cheese/card.md").read_text(encoding="utf-8")
    assert version.description[:1000] == card[:1000]
    assert version.description == card or "card.md" in version.description[-200:]


def test_a_fresh_clone_pulls_what_was_pushed(flow: Flow, tmp_path: Path) -> None:
    run(flow.checkout, "git", "add", "--all")
    run(flow.checkout, "git", *AUTHOR, "commit", "--quiet", "--message", "Run the experiment")
    run(flow.checkout, "dvc", "push", "--remote", REMOTE)
    clone = tmp_path / "clone"
    run(tmp_path, "git", "clone", "--quiet", str(flow.checkout), str(clone))
    wrong = _call(clone, flow, "dvc", "pull", "--remote", REMOTE, AWS_SECRET_ACCESS_KEY="wrong")
    assert wrong.returncode != 0
    assert records(clone) == {}
    run(clone, "dvc", "pull", "--remote", REMOTE)
    made = records(flow.checkout)
    assert records(clone) == made
    for name in made:
        assert digest_path(clone / name) == digest_path(flow.checkout / name)


def test_a_wrong_password_gives_one_line_and_the_right_one_goes_on(flow: Flow) -> None:
    out = flow.checkout / "outputs/cheese/register/cheese"
    before = records(flow.checkout)
    shutil.rmtree(out)
    wrong = msm("register", RECIPE, "cheese", cwd=flow.checkout, MLFLOW_TRACKING_PASSWORD="wr0ng")
    assert wrong.returncode == 2
    assert "refuses the credentials" in wrong.stderr and "wr0ng" not in wrong.stderr
    assert len(wrong.stderr.strip().splitlines()) == 1
    assert not out.exists()
    right = msm("register", RECIPE, "cheese", cwd=flow.checkout)
    assert right.returncode == 0, right.stderr
    assert records(flow.checkout) == before


@pytest.mark.parametrize("away", [ServiceName.MLFLOW, ServiceName.S3])
def test_a_service_that_goes_away_for_a_while_ends_no_run(flow: Flow, away: ServiceName) -> None:
    name = f"without-{away}"
    shutil.copytree(flow.checkout / "outputs/cheese", flow.checkout / "outputs" / name)
    command = [MSM, "run", RECIPE, "--set", f"name={name}"]
    running = subprocess.Popen(
        command, cwd=flow.checkout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    until = time.monotonic() + PATIENCE_SECONDS
    while len(flow.runs(name)) < BEGUN:
        assert running.poll() is None, running.communicate()[0]
        assert time.monotonic() < until
    assert stop(flow.place, away)
    up(flow.place.folder, say=lambda _: None)
    told, _ = running.communicate(timeout=PATIENCE_SECONDS)
    assert running.returncode == 0, told
    assert len(flow.runs(name)) == len(flow.runs("cheese"))


def _set(patch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> None:
    for variable in [key for key in os.environ if key.startswith(("AWS_", "MLFLOW_", "DVC_"))]:
        patch.delenv(variable)
    for variable, value in environment.items():
        patch.setenv(variable, value)


def _call(
    folder: Path, flow: Flow, *command: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    given = {**os.environ, **flow.environment, "PATH": path, **environment}
    return subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True)


def _identity(folder: Path) -> str:
    record = read_record(folder)
    assert record is not None
    return record.identity
