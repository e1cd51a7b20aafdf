"""The manifests on a real API server: it accepts them all, and the roles allow what they say."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from tests.kube_apiserver import Cluster, needs_both, running_cluster
from tests.kustomize import CLUSTERS, Object, build, list_pods, objects, tasks_namespace

pytestmark = [pytest.mark.manifests, pytest.mark.apiserver, *needs_both]

OURS = ("karpenter.sh/", "karpenter.k8s.aws/", "kueue.x-k8s.io/", "trainer.kubeflow.org/")
TASKS = tasks_namespace()


@dataclass(frozen=True)
class Applied:
    """A cluster of its own for an overlay, which has been applied to it once."""

    cluster: Cluster
    folder: str
    core: list[Object]
    answer: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module", params=CLUSTERS)
def applied(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Applied]:
    with running_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        made = cluster.kubectl("create", "namespace", TASKS)
        assert made.returncode == 0, made.stderr
        core = _for_this_server(objects(request.param))
        yield Applied(cluster, request.param, core, _apply(cluster, core))


def test_a_server_side_apply_is_accepted_twice(applied: Applied) -> None:
    assert len(applied.core) > 40
    assert applied.answer.returncode == 0, applied.answer.stderr
    assert applied.answer.stdout.count("serverside-applied") == len(applied.core)
    again = _apply(applied.cluster, applied.core)
    assert again.returncode == 0, again.stderr


def test_a_mistyped_field_is_refused(applied: Applied) -> None:
    broken = build(applied.folder).replace("automountServiceAccountToken", "automountToken")
    items = [item for item in yaml.safe_load_all(broken) if item]
    done = _apply(applied.cluster, [item for item in items if item["kind"] == "StatefulSet"])
    assert done.returncode != 0
    assert "automountToken" in done.stderr


def test_each_pod_gets_past_admission(applied: Applied) -> None:
    # No controllers run here, so the pods are made straight from the templates: the service account
    # must exist, the limits of the namespace must have room, the priority class be known.
    cluster, folder = applied.cluster, applied.folder
    made = list_pods(folder) + list_pods("trainer")
    for number, pod in enumerate(made):
        spec = dict(pod.spec)
        claims = pod.owner["spec"].get("volumeClaimTemplates", [])
        names = [claim["metadata"]["name"] for claim in claims]
        spec["volumes"] = [
            *spec.get("volumes", []),
            *({"name": n, "persistentVolumeClaim": {"claimName": f"{n}-0"}} for n in names),
        ]
        item = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"pod-{number}",
                "namespace": pod.owner["metadata"].get("namespace", TASKS),
                "labels": pod.template["metadata"]["labels"],
            },
            "spec": spec,
        }
        done = cluster.kubectl("create", "-f", "-", "-o", "yaml", stdin=yaml.safe_dump(item))
        assert done.returncode == 0, f"{pod.name}: {done.stderr}"
        running = yaml.safe_load(done.stdout)["spec"]
        mounts = [m for c in running["containers"] for m in c.get("volumeMounts", [])]
        assert not [m for m in mounts if "serviceaccount" in m["mountPath"]], pod.name
        assert running["priority"] > 0 or "priorityClassName" not in pod.spec
        cluster.kubectl(
            *("delete", "pod", f"pod-{number}", "--namespace", item["metadata"]["namespace"]),
            *("--grace-period=0", "--force"),
        )


# Who, a verb, on what in the tasks' namespace, and whether it is allowed.
MAY: list[tuple[str, str, str, bool]] = [
    ("msm-task", "create", "workflowtaskresults.argoproj.io", True),
    ("msm-task", "get", "secrets/mlpipeline-minio-artifact", True),
    ("msm-task", "get", "secrets/msm-author", False),
    ("msm-task", "list", "secrets", False),
    ("msm-task", "patch", "deployments.apps/msm-vllm/scale", True),
    ("msm-task", "patch", "deployments.apps/msm-vllm", False),
    ("msm-task", "patch", "deployments.apps/ml-pipeline/scale", False),
    ("msm-task", "list", "nodes", True),
    ("msm-task", "patch", "nodes", False),
    ("msm-task", "create", "trainjobs.trainer.kubeflow.org", False),
    ("msm-task", "create", "pods", False),
    ("msm-trainer", "create", "trainjobs.trainer.kubeflow.org", True),
    ("msm-trainer", "delete", "trainjobs.trainer.kubeflow.org", True),
    ("msm-trainer", "patch", "trainjobs.trainer.kubeflow.org", False),
    ("msm-trainer", "get", "trainjobs.trainer.kubeflow.org", True),
    ("msm-trainer", "list", "trainjobs.trainer.kubeflow.org", False),
    ("msm-trainer", "update", "trainjobs.trainer.kubeflow.org", False),
    ("msm-trainer", "list", "pods", True),
    ("msm-trainer", "delete", "pods", False),
    ("msm-trainer", "get", "pods/log", False),
    ("msm-trainer", "list", "nodes", True),
    ("msm-task", "list", "resourcequotas", True),
    ("msm-task", "patch", "resourcequotas", False),
    ("msm-task", "get", "localqueues.kueue.x-k8s.io", True),
    ("msm-task", "list", "localqueues.kueue.x-k8s.io", True),
    ("msm-task", "get", "clustertrainingruntimes.trainer.kubeflow.org", True),
    ("msm-trainer", "create", "pods/exec", False),
    ("msm-trainer", "create", "workflowtaskresults.argoproj.io", True),
    ("msm-trainer", "create", "rolebindings.rbac.authorization.k8s.io", False),
    ("msm-node", "get", "configmaps", False),
    ("msm-vllm", "get", "secrets", False),
]


@pytest.mark.parametrize(("account", "verb", "what", "allowed"), MAY)
def test_an_account_may_do_its_work_and_no_more(
    applied: Applied, account: str, verb: str, what: str, allowed: bool
) -> None:
    assert _may(applied.cluster, TASKS, account, verb, what) is allowed


def test_nobody_may_do_anything_elsewhere(applied: Applied) -> None:
    review = [("msm-task", "get", "secrets"), ("msm-trainer", "create", "pods")]
    for account, verb, what in review:
        assert not _may(applied.cluster, TASKS, account, verb, what, where="msm")
    for account in ("msm-mlflow", "msm-postgres"):
        assert not _may(applied.cluster, "msm", account, "get", "configmaps", where="msm")


def _may(
    cluster: Cluster, home: str, account: str, verb: str, what: str, where: str | None = None
) -> bool:
    """Ask the server whether a service account may; ``what`` is RESOURCE[.GROUP][/NAME][/SUB]."""
    resource, *rest = what.split("/")
    resource, _, group = resource.partition(".")
    if rest and rest[0] in ("log", "exec"):
        rest = ["", *rest]
    name, subresource = [*rest, "", ""][:2]
    review: Object = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": f"system:serviceaccount:{home}:{account}",
            "resourceAttributes": {
                "namespace": where or home,
                "verb": verb,
                "group": group,
                "resource": resource,
                "name": name,
                "subresource": subresource,
            },
        },
    }
    done = cluster.kubectl("create", "-f", "-", "-o", "yaml", stdin=yaml.safe_dump(review))
    assert done.returncode == 0, done.stderr
    allowed: bool = yaml.safe_load(done.stdout)["status"]["allowed"]
    return allowed


def _for_this_server(items: list[Object]) -> list[Object]:
    """The core API's objects, with disruption budgets in the version that a 1.20 knows them by.

    policy/v1 came with 1.21 and has the fields of policy/v1beta1 that these use.
    """
    core = [item for item in items if not item["apiVersion"].startswith(OURS)]
    old: dict[str, Any] = {"apiVersion": "policy/v1beta1"}
    return [item | old if item["apiVersion"] == "policy/v1" else item for item in core]


def _apply(cluster: Cluster, items: list[Object]) -> subprocess.CompletedProcess[str]:
    assert items, "nothing to apply"
    return cluster.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(items))
