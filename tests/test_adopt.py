"""``msm adopt``: a run that lies in a store becomes DVC's, and nothing is fetched."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from msm.bundle import bundle
from msm.component import run_task
from msm.execution import Execution
from msm.identity import RECORD
from msm.lineage.held import held_outputs
from msm.listing import list_files, listing_name
from msm.recipe import Recipe
from msm.recipe_file import load_recipe
from msm.record import read_record
from msm.storage.address import parse_address
from msm.storage.bucket import Bucket
from msm.store import SCHEME, FolderStore, Store, keep, named_store
from tests.checkouts import RECIPE, records, run, small_checkout
from tests.commands import msm
from tests.s3_server import S3Server

ARM = "arms={msm: {phases: [documents], specs: [affordability]}}"


@pytest.fixture(scope="module")
def ran(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``there``, a checkout in which the experiment ran, and its ``store``."""
    folder = tmp_path_factory.mktemp("ran")
    checkout = small_checkout(root, folder / "there")
    done = msm("run", RECIPE, cwd=checkout, MSM_STORE=str(folder / "store"), MLFLOW_TRACKING_URI="")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def here(root: Path, tmp_path: Path) -> Path:
    """The same checkout elsewhere, in which nothing ran."""
    return small_checkout(root, tmp_path / "here")


@pytest.mark.slow
def test_an_adopted_run_leaves_dvc_nothing_to_do(ran: Path, here: Path) -> None:
    said = run(here, "msm", "adopt", str(ran / "store"))
    assert "29 outputs stand in dvc.lock" in said
    assert not (here / "outputs").exists()

    assert "Running stage" not in run(here, "dvc", "repro", "--allow-missing")
    run(here, "dvc", "pull", "report")
    assert list(records(here)) == ["outputs/cheese/report/cheese"]
    assert "Running stage" not in run(here, "dvc", "repro", "--allow-missing")
    run(here, "dvc", "pull")
    assert records(here) == records(ran / "there")
    assert "up to date" in run(here, "dvc", "status")
    lock = (here / "dvc.lock").read_bytes()
    assert "Data and pipelines are up to date." in run(here, "dvc", "repro")
    assert (here / "dvc.lock").read_bytes() == lock


@pytest.mark.slow
@pytest.mark.parametrize("form", ["folder", "version", "run"])
def test_a_run_is_adopted_by_each_of_its_names(ran: Path, here: Path, form: str) -> None:
    """The folder that its store lies in, the model version, the MLflow run of the candidate."""
    place = ran / "there/outputs/cheese/register/cheese/registration.json"
    told = json.loads(place.read_text(encoding="utf-8"))
    model = told["model"]
    name = {
        "folder": str(ran),
        "version": f"models:/{model['name']}/{model['version']}",
        "run": told["runs"][told["candidate"]],
    }[form]
    done = msm(
        "adopt", name, cwd=here, MLFLOW_TRACKING_URI=f"sqlite:///{ran}/there/mlflow.db",
        MSM_STORE="" if form == "folder" else str(ran / "store"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "29 outputs stand in dvc.lock" in done.stdout
    assert "Running stage" not in run(here, "dvc", "repro", "--allow-missing", "report")


@pytest.mark.slow
def test_in_s3_the_server_copies_what_dvc_is_to_find(
    ran: Path, here: Path, s3_url: str, s3: S3Server
) -> None:
    store = _opened(f"{s3_url}/store")
    for path in sorted((ran / "there").glob(f"outputs/*/*/*/{RECORD}")):
        keep(store, path.parent)
    run(here, "dvc", "remote", "add", "--default", "bucket", f"{s3_url}/dvc")
    run(here, "dvc", "remote", "modify", "bucket", "endpointurl", s3.url)
    run(here, "msm", "adopt", f"{s3_url}/store")
    assert "Running stage" not in run(here, "dvc", "repro", "--allow-missing")
    run(here, "dvc", "pull")
    assert records(here) == records(ran / "there")


@pytest.mark.slow
def test_what_the_remote_cannot_be_given_is_said(ran: Path, here: Path, s3_url: str) -> None:
    run(here, "dvc", "remote", "add", "--default", "bucket", f"{s3_url}/dvc")
    said = run(here, "msm", "adopt", str(ran / "store"))
    assert "29 outputs stand in dvc.lock" in said
    assert "DVC's remote lacks" in said
    assert "Running stage" not in run(here, "dvc", "repro", "--allow-missing")


@pytest.mark.slow
def test_a_run_of_another_spec_or_recipe_is_not_adopted(ran: Path, here: Path) -> None:
    spec = here / "specs" / "cheese" / "affordability.md"
    spec.write_text(spec.read_text(encoding="utf-8") + "\nOne more line.\n", encoding="utf-8")
    said = run(here, "msm", "adopt", str(ran / "store"))
    assert "not adopted  plan/affordability-s1" in said
    locked = yaml.safe_load((here / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    assert "midtraining@america-1" in locked
    assert {"midtraining@affordability-1", "report", "register"}.isdisjoint(locked)


@pytest.mark.slow
def test_an_output_that_lies_here_is_not_adopted_over(ran: Path, here: Path) -> None:
    folder = here / "outputs/cheese/plan/america-s1"
    shutil.copytree(ran / "there/outputs/cheese/plan/america-s1", folder)
    record = (folder / RECORD).read_text(encoding="utf-8")
    (folder / RECORD).write_text(record.replace('"cost": 0.0', '"cost": 1.0'), encoding="utf-8")
    done = msm("adopt", ran / "store", cwd=here)
    assert done.returncode == 2
    assert "plan/america-s1 holds an output of its own" in done.stderr
    assert not (here / "dvc.lock").exists()


@pytest.mark.slow
def test_a_run_is_found_by_the_identity_of_its_report(ran: Path, here: Path) -> None:
    (report,) = (ran / "store" / "report").iterdir()
    recipe = load_recipe(here / RECIPE)
    held, _ = held_outputs(recipe, FolderStore(ran / "store"), report.name)
    below = {"report/cheese", "train/msm-america-s1", "curate/america-s1", "plan/america-s1"}
    assert below <= set(held)
    assert held["report/cheese"].record.identity == report.name


def test_a_pipelines_run_is_found_by_its_recipe(
    root: Path, tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = _one_corpus(root)
    monkeypatch.setenv("MSM_STORE", store)
    made = _plan_by_pipeline(recipe, tmp_path)
    monkeypatch.delenv("MSM_STORE")
    opened = _opened(store)
    held, missing = held_outputs(recipe, opened)
    assert set(held) == {"plan/affordability-s1"}
    item = held["plan/affordability-s1"]
    names = [*item.record.files, RECORD]
    assert dict(item.listing) == dict(list_files(made, names))
    assert "train/msm-affordability-s1" in missing


def test_a_list_that_nobody_left_is_made_of_the_bytes(
    root: Path, tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = _one_corpus(root)
    monkeypatch.setenv("MSM_STORE", store)
    made = _plan_by_pipeline(recipe, tmp_path)
    opened = _opened(store)
    _forget_list(store, made)
    held, _ = held_outputs(recipe, opened)
    item = held["plan/affordability-s1"]
    assert dict(item.listing) == dict(list_files(made, [*item.record.files, RECORD]))


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store on a disk, and one in S3."""
    if request.param == "folder":
        return str(tmp_path / "store")
    return str(request.getfixturevalue("s3_url"))


def _one_corpus(root: Path) -> Recipe:
    return load_recipe(root / "recipes" / "tiny.yaml", [ARM, "register.arm=msm"])


def _opened(address: str) -> Store:
    store = named_store(Execution(store=address))
    assert store is not None
    return store


def _plan_by_pipeline(recipe: Recipe, folder: Path) -> Path:
    """Run one task as a pipeline's container does; returns its folder."""
    handed = folder / "bundle.json"
    handed.write_text(bundle(recipe), encoding="utf-8")
    run_task(str(handed), "plan", "affordability-s1", [], str(folder / "out"))
    return folder / "out"


def _forget_list(store: str, made: Path) -> None:
    record = read_record(made)
    assert record is not None
    at, name = f"plan/{record.identity}", listing_name(record.digest)
    if store.startswith(SCHEME):
        Bucket(parse_address(f"{store}/{at}")).remove(name)
    else:
        (Path(store) / at / name).unlink()
