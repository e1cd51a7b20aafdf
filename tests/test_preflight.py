"""The preflight: each thing that is missing is named, with what to do, before a GPU is taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from msm.bundle import bundle, unbundle
from msm.cluster import Cluster, check_pool, quantity
from msm.errors import UserError
from msm.experiment import build_tasks
from msm.identity import digest_path
from msm.pools import Pool, Toleration
from msm.preflight import Checks, check_bundle, check_recipe, key_variable
from msm.recipe import Recipe
from msm.recipe_file import load_recipe
from msm.task import FileInput

GPU = "nvidia.com/gpu"
TAINT = {"key": GPU, "value": "present", "effect": "NoSchedule"}


@pytest.fixture
def recipe(root: Path) -> Recipe:
    return load_recipe(root / "recipes" / "tiny.yaml")


def _failed(checks: Checks) -> dict[str, str]:
    return {check.name: check.found for check in checks.checks if not check.passed}


def test_a_recipe_with_all_it_needs_passes(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSM_STORE", str(tmp_path / "store"))
    checks = check_bundle(bundle(recipe))
    assert _failed(checks) == {}
    checks.require()


def test_everything_that_is_missing_is_named_at_once(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    failed = _failed(check_recipe(recipe))
    assert set(failed) == {"store", "MLflow"}
    assert "MSM_STORE" in failed["store"]
    with pytest.raises(UserError, match=r"store: .* \| MLflow: "):
        check_recipe(recipe).require()


def test_a_wrong_secret_is_named(
    recipe: Recipe, s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSM_STORE", s3_url)
    assert _failed(check_recipe(recipe)) == {}
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    assert "refuses access" in _failed(check_recipe(recipe))["store"]


def test_a_key_that_is_not_set_and_a_server_that_is_away_are_named(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSM_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("LOCAL_API_KEY", raising=False)
    raw = recipe.model_dump(by_alias=True)
    raw["author"]["model"] = "openai-api/local/some"
    raw["execution"]["author"]["base_url"] = "http://127.0.0.1:9/v1"
    asked = Recipe.model_validate(raw)
    assert "LOCAL_API_KEY" in _failed(check_recipe(asked))["author"]
    monkeypatch.setenv("LOCAL_API_KEY", "key")
    assert "127.0.0.1:9" in _failed(check_recipe(asked))["author"]


def test_the_variable_of_a_key_follows_from_the_model() -> None:
    assert key_variable("openai-api/my-server/m") == "MY_SERVER_API_KEY"
    assert key_variable("anthropic/some") == "ANTHROPIC_API_KEY"
    assert key_variable("offline") == ""


def test_a_bundle_keeps_the_content_of_every_file(recipe: Recipe, tmp_path: Path) -> None:
    again = unbundle(bundle(recipe), tmp_path)

    def files(of: Recipe) -> dict[tuple[str, str], str]:
        return {
            (task.label, role): digest_path(source.path)
            for task in build_tasks(of)
            for role, source in task.inputs.items()
            if isinstance(source, FileInput)
        }

    assert files(again) == files(recipe) != {}
    assert bundle(again) == bundle(recipe)


@pytest.fixture
def cluster(httpserver: HTTPServer) -> Cluster:
    """A stand-in for the API server, with one node of four GPUs and a quota."""
    node: dict[str, Any] = {
        "spec": {"taints": [{**TAINT, "key": "team"}]},
        "status": {"allocatable": {GPU: "4", "cpu": "32", "memory": "256Gi"}},
    }
    quota = {"metadata": {"name": "gpus"}, "status": {"hard": {f"requests.{GPU}": "2"}}}
    httpserver.expect_request("/api/v1/nodes").respond_with_json({"items": [node]})
    httpserver.expect_request("/api/v1/namespaces/msm/resourcequotas").respond_with_json(
        {"items": [quota]}
    )
    httpserver.expect_request(
        "/apis/kueue.x-k8s.io/v1beta2/namespaces/msm/localqueues/none"
    ).respond_with_data(status=404)
    return Cluster(httpserver.url_for("").rstrip("/"), "msm", "token")


def _pool(**settings: Any) -> Pool:
    borne = (Toleration(key="team"),)
    return Pool(**{"accelerator": GPU, "count": 2, "tolerations": borne, **settings})


def test_a_pool_that_fits_passes(cluster: Cluster) -> None:
    assert check_pool(cluster, "train", _pool()) == "1 nodes fit"


@pytest.mark.parametrize(
    "settings",
    [{"count": 8}, {"accelerator": "amd.com/gpu"}, {"tolerations": ()}, {"cpu": "64"}],
)
def test_a_missing_pool_is_said_and_not_waited_for(
    cluster: Cluster, settings: dict[str, Any]
) -> None:
    with pytest.raises(UserError, match=r"execution\.pools\.train: none of the 1 nodes"):
        check_pool(cluster, "train", _pool(**settings))


def test_a_pool_that_the_cluster_makes_is_not_missed(cluster: Cluster) -> None:
    found = check_pool(cluster, "train", _pool(count=2, cpu="64", scaled_from_zero=True))
    assert "when a task asks" in found


def test_a_quota_that_holds_no_task_is_named(cluster: Cluster) -> None:
    with pytest.raises(UserError, match=r"quota 'gpus' of namespace msm holds \(2\)"):
        check_pool(cluster, "train", _pool(count=4))


def test_a_queue_that_is_not_there_is_named(cluster: Cluster) -> None:
    with pytest.raises(UserError, match="no LocalQueue 'none'"):
        check_pool(cluster, "train", _pool(queue="none"))


def test_quantities_are_read_as_kubernetes_writes_them() -> None:
    assert [quantity(text) for text in ("500m", "2", "1Ki", "2G", "?")] == [0.5, 2, 1024, 2e9, 0]
