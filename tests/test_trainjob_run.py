"""A pipeline's training as a TrainJob, on a real API server.

No controller runs there. The test is the controller: it looks at the job, runs the command that a
node would, and writes into the job's status how it ended.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from msm import cluster as cluster_module
from msm.bundle import bundle
from msm.cluster import Cluster, check_pool, check_runtime
from msm.component import Given, run_task
from msm.errors import UserError
from msm.experiment import find_task
from msm.identity import digest_path
from msm.pools import Pool
from msm.recipe import Recipe
from msm.recipe_file import load_recipe
from msm.record import read_record
from msm.stage import stage_identity
from msm.stages import definition
from msm.task import Stage
from msm.training.trainjob import owned_name
from msm.workspace import Workspace
from tests import kube_apiserver
from tests.kube_apiserver import needs_both, running_cluster
from tests.kustomize import objects, tasks_namespace
from tests.trainjob_resource import install
from tests.trainjob_worker import TINY, train

pytestmark = [pytest.mark.manifests, pytest.mark.apiserver, *needs_both]

NAMESPACE = tasks_namespace()
NAME = "baseline-s1"
IMAGE = "registry.example/msm@sha256:" + "0" * 64
ROLES = ("ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
SECONDS = 120


@dataclass(frozen=True)
class World:
    """The server, a workspace with the inputs of one training, and its identity."""

    server: kube_apiserver.Cluster
    folder: Path
    identity: str

    def cluster(self, account: str = "msm-trainer") -> Cluster:
        """As a pod of a service account has it."""
        token = self.server.token_of(NAMESPACE, account)
        return Cluster(self.server.url, NAMESPACE, token, str(self.server.authority))

    @property
    def name(self) -> str:
        """What the job is called."""
        return owned_name(self.identity)

    def job(self) -> dict[str, Any] | None:
        """The job as the server has it."""
        done = self.kubectl("get", "trainjobs", "-o", "json")
        items: list[dict[str, Any]] = json.loads(done.stdout)["items"]
        assert len(items) <= 1, "two jobs for one output"
        return items[0] if items else None

    def kubectl(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """As the administrator, in the tasks' namespace."""
        done = self.server.kubectl("--namespace", NAMESPACE, *arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done

    def say(self, condition: str, message: str = "jobset ended") -> None:
        """What the controller would: how the job ended."""
        said = {
            "type": condition,
            "status": "True",
            "reason": "Jobs",
            "message": message,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        self._patch(f"trainjob/{self.name}", {"conditions": [said]})

    def pod(self, name: str, status: dict[str, Any]) -> None:
        """A pod of the job, as the kubelet would report it."""
        labels = {"jobset.sigs.k8s.io/jobset-name": self.name}
        container = {"name": "node", "image": "none", "resources": {}}
        item = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": labels},
            "spec": {"containers": [container], "serviceAccountName": "msm-node"},
        }
        self.kubectl("create", "-f", "-", stdin=json.dumps(item))
        self._patch(f"pod/{name}", status)

    def _patch(self, what: str, status: dict[str, Any]) -> None:
        self.kubectl(
            *("patch", what, "--subresource=status", "--type=merge"),
            *("-p", json.dumps({"status": status})),
        )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A server with the accounts of k8s/ and TrainJobs, and the inputs of one training."""
    folder = tmp_path_factory.mktemp("work")
    recipe = load_recipe(TINY)
    workspace = Workspace(folder, recipe)
    workspace.run(find_task(recipe, Stage.DEMONSTRATE, "instruction-s1"))
    task = find_task(recipe, Stage.TRAIN, NAME)
    identity, _ = stage_identity(definition(Stage.TRAIN), task.config, workspace.inputs(task))
    with running_cluster(tmp_path_factory.mktemp("cluster")) as server:
        world = World(server, folder, identity)
        done = server.kubectl("create", "namespace", NAMESPACE)
        assert done.returncode == 0, done.stderr
        mine = [item for item in objects("overlays/local") if item["kind"] in ROLES]
        mine = [item for item in mine if item["metadata"].get("namespace") in (None, NAMESPACE)]
        done = server.kubectl("create", "-f", "-", stdin=yaml.safe_dump_all(mine))
        assert done.returncode == 0, done.stderr
        install(server)
        yield world


@pytest.fixture
def world(whole: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The same with an empty store, no job and no pod."""
    monkeypatch.setenv("MSM_STORE", str(tmp_path / "store"))
    yield whole
    whole.kubectl("delete", "trainjobs", "--all")
    whole.kubectl("delete", "pods", "--all", "--grace-period=0", "--force")


def _settings(**job: Any) -> list[str]:
    whole = {"image": IMAGE, "nodes": 1, "gpus": 2, "device": "cpu", "runtime": "msm-deepspeed"}
    return [f"execution.trainer.job={json.dumps({**whole, **job})}"]


def _wait_for(seen: Callable[[], Any]) -> Any:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        if found := seen():
            return found
        time.sleep(0.2)
    raise AssertionError("it did not come about")


def _running(world: World) -> dict[str, Any]:
    job: dict[str, Any] = _wait_for(world.job)
    return job


def _run_node(job: dict[str, Any], place: Path) -> subprocess.CompletedProcess[str]:
    """Run a node's command here: one process, where torchrun would start some."""
    command = job["spec"]["trainer"]["command"]
    assert command[:4] == ["torchrun", "-m", "msm", "train-ordered"]
    command = [sys.executable, *command[1:]]
    command[command.index("--workspace") + 1] = str(place)
    environment = {k: v for k, v in os.environ.items() if k != "MSM_STORE"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def _finished(world: World, tmp_path: Path) -> threading.Thread:
    """The controller of a job that trains and completes."""

    def control() -> None:
        done = _run_node(_running(world), tmp_path / "node")
        world.say("Complete" if done.returncode == 0 else "Failed", done.stderr or "ended")

    thread = threading.Thread(target=control, daemon=True)
    thread.start()
    return thread


def _worker(world: World, *settings: str) -> subprocess.Popen[str]:
    cluster = world.cluster()
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.trainjob_worker", cluster.url, cluster.namespace),
            *(cluster.token, cluster.authority, str(world.folder), NAME, *settings),
        ],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_component_has_the_cluster_train_and_takes_the_output(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = tmp_path / "account"
    account.mkdir()
    (account / "token").write_text(world.cluster().token)
    (account / "namespace").write_text(NAMESPACE)
    shutil.copy(world.server.authority, account / "ca.crt")
    address = urlsplit(world.server.url)
    monkeypatch.setattr(cluster_module, "ACCOUNT", account)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", str(address.hostname))
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT_HTTPS", str(address.port))
    recipe = load_recipe(TINY, _settings())
    (tmp_path / "bundle").write_text(bundle(recipe), encoding="utf-8")
    chats = world.folder / "outputs" / "tiny" / "demonstrate" / "instruction-s1"
    controller = _finished(world, tmp_path)
    made = run_task(
        *(str(tmp_path / "bundle"), "train", NAME),
        [Given(str(chats), digest_path(chats))],
        str(tmp_path / "out"),
    )
    controller.join()
    assert made.metadata["identity"] == world.identity
    record = read_record(tmp_path / "out")
    assert record is not None and record.digest == digest_path(tmp_path / "out")
    assert world.job() is None
    assert not any((tmp_path / "node").glob("*/")), "the nodes leave nothing behind"


def test_the_server_keeps_every_field_of_a_job(world: World) -> None:
    settings = _settings(nodes=2, claim="msm-workspace", environment={"A": "1"})
    worker = _worker(world, *settings)
    job = _running(world)
    assert job["metadata"]["annotations"]["msm/identity"] == world.identity
    assert job["metadata"]["labels"]["msm/identity"] == world.identity[:63]
    (patch,) = job["spec"]["runtimePatches"]
    (replicated,) = patch["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
    pod = replicated["template"]["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] == 120
    assert {volume["name"] for volume in pod["volumes"]} == {"shared-memory", "workspace"}
    trainer = job["spec"]["trainer"]
    assert (trainer["image"], trainer["numNodes"], trainer["numProcPerNode"]) == (IMAGE, 2, 2)
    assert trainer["resourcesPerNode"]["limits"] == {"nvidia.com/gpu": "2"}
    worker.terminate()
    assert worker.wait(SECONDS) == 128 + signal.SIGTERM


def test_a_node_that_fails_is_told_in_one_line_and_its_job_removed(world: World) -> None:
    worker = _worker(world, *_settings())
    _running(world)
    lost = {"exitCode": 143, "reason": "Error", "finishedAt": "2026-01-01T00:00:09Z"}
    wrong = {
        "exitCode": 2,
        "reason": "Error",
        "finishedAt": "2026-01-01T00:00:03Z",
        "message": "loading\nmsm: the loss is no number after step 7\n",
    }
    for number, ended in enumerate((lost, wrong)):
        status = {"name": "node", "image": "i", "imageID": "", "ready": False, "restartCount": 0}
        world.pod(
            f"node-{number}",
            {"phase": "Failed", "containerStatuses": [{**status, "state": {"terminated": ended}}]},
        )
    world.say("Failed", "jobset failed due to one or more job failures")
    _, said = worker.communicate(timeout=SECONDS)
    assert worker.returncode == 2
    (line,) = said.splitlines()
    assert line.endswith(
        "failed: node-1: Error, exit code 2: msm: the loss is no number after step 7"
    )
    assert world.job() is None


def test_a_job_without_pods_fails_with_what_its_controller_says(world: World) -> None:
    worker = _worker(world, *_settings(cleanup="complete"))
    _running(world)
    world.say("Failed", "unsupported runtime: none")
    _, said = worker.communicate(timeout=SECONDS)
    assert worker.returncode == 2
    assert said.strip().endswith("failed: Jobs: unsupported runtime: none")
    assert world.job() is not None, "a failed job stays to be looked at"


@pytest.mark.parametrize(("cleanup", "stays"), [("always", False), ("ended", True)])
def test_a_task_that_is_stopped_removes_its_job_or_leaves_it_to_the_next(
    world: World, tmp_path: Path, cleanup: str, stays: bool
) -> None:
    worker = _worker(world, *_settings(cleanup=cleanup))
    before = _running(world)
    worker.terminate()
    assert worker.wait(SECONDS) == 128 + signal.SIGTERM
    after = world.job()
    assert (after is not None) is stays
    if after is None:
        return
    again = _worker(world, *_settings(cleanup=cleanup))
    assert "joined" in (again.stdout or sys.stdin).readline()
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert _run_node(after, tmp_path / "node").returncode == 0
    world.say("Complete")
    assert again.wait(SECONDS) == 0
    assert world.job() is None


def test_a_job_that_failed_before_gives_way_to_a_new_one(world: World) -> None:
    first = _worker(world, *_settings(cleanup="complete"))
    before = _running(world)["metadata"]["uid"]
    world.say("Failed", "lost")
    assert first.wait(SECONDS) == 2
    second = _worker(world, *_settings())
    job = _wait_for(lambda: (found := world.job()) and found["metadata"]["uid"] != before and found)
    assert job["metadata"]["name"] == world.name
    second.terminate()
    assert second.wait(SECONDS) == 128 + signal.SIGTERM


def test_a_job_without_an_output_in_the_store_is_no_success(world: World) -> None:
    worker = _worker(world, *_settings())
    _running(world)
    world.say("Complete")
    _, said = worker.communicate(timeout=SECONDS)
    assert worker.returncode == 2
    assert "is complete, but" in said and "holds no output" in said


def test_a_job_that_somebody_removes_is_no_success(world: World) -> None:
    worker = _worker(world, *_settings())
    _running(world)
    world.kubectl("delete", "trainjob", world.name)
    _, said = worker.communicate(timeout=SECONDS)
    assert worker.returncode == 2
    assert "was removed before it had ended" in said


def test_a_node_refuses_what_it_would_make_otherwise(world: World, tmp_path: Path) -> None:
    worker = _worker(world, *_settings())
    job = _running(world)
    store = Path(os.environ["MSM_STORE"])
    order = store / "orders" / world.identity / "order.json"
    raw = json.loads(order.read_text())
    inside = json.loads(raw["bundle"])
    inside["recipe"]["training"]["chats"]["learning_rate"] = 0.5
    order.write_text(json.dumps({**raw, "bundle": json.dumps(inside)}))
    done = _run_node(job, tmp_path / "node")
    worker.terminate()
    assert done.returncode == 2
    assert "give execution.trainer.job.image the same version" in done.stderr
    assert worker.wait(SECONDS) == 128 + signal.SIGTERM


def test_an_account_that_may_not_is_named(world: World) -> None:
    with pytest.raises(UserError, match=r"may not create TrainJobs.*run it as msm-trainer"):
        train(world.cluster("msm-task"), world.folder, NAME, _settings())


def test_a_stored_output_needs_no_job(world: World, tmp_path: Path) -> None:
    recipe: Recipe = load_recipe(TINY)
    Workspace(world.folder, recipe).run(find_task(recipe, Stage.TRAIN, NAME))
    train(world.cluster("msm-node"), world.folder, NAME, _settings())
    assert world.job() is None


def test_preflight_may_look_at_pools_quotas_and_runtimes(world: World) -> None:
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "gpu", "labels": {"msm/accelerator": "h100"}},
        "status": {"allocatable": {"nvidia.com/gpu": "4", "cpu": "32", "memory": "256Gi"}},
    }
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "gpus"},
        "spec": {"hard": {"requests.nvidia.com/gpu": "2"}},
    }
    for item in (node, quota):
        world.kubectl("create", "-f", "-", stdin=json.dumps(item))
    # Nobody is there to say that the node is ready, so the server has tainted it.
    world.kubectl("patch", "node", "gpu", "--type=merge", "-p", '{"spec": {"taints": null}}')
    cluster = world.cluster("msm-task")
    selector = {"msm/accelerator": "h100"}

    def pool(count: int, **more: Any) -> Pool:
        return Pool(accelerator="nvidia.com/gpu", count=count, node_selector=selector, **more)

    assert check_pool(cluster, "train", pool(2)) == "1 nodes fit"
    with pytest.raises(UserError, match="none of the 1 nodes"):
        check_pool(cluster, "train", pool(8))
    with pytest.raises(UserError, match="quota 'gpus'"):
        check_pool(cluster, "train", pool(4))
    with pytest.raises(UserError, match="no LocalQueue 'none'"):
        check_pool(cluster, "train", pool(2, queue="none"))
    with pytest.raises(UserError, match="no ClusterTrainingRuntime 'msm-deepspeed'"):
        check_runtime(cluster, "msm-deepspeed")
