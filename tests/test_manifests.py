"""What every manifest must keep to, beyond what tools check."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from k8s.pin_images import pin_images
from msm.execution import Job
from msm.experiment import build_tasks
from msm.recipe_file import load_recipe
from msm.training.trainjob import train_command, trainjob
from tests.kustomize import (
    BUILT,
    CLUSTERS,
    K8S,
    ROOT,
    TOOLS,
    Pod,
    every_pod,
    label,
    list_pods,
    needs_tools,
    objects,
    tasks_namespace,
)

pytestmark = pytest.mark.manifests

SECRETS = K8S / "secrets"


@pytest.mark.parametrize("pod", every_pod())
class TestPods:
    def test_it_runs_under_the_restricted_profile(self, pod: Pod) -> None:
        context = pod.spec["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] > 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod.containers:
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False
            assert own["capabilities"] == {"drop": ["ALL"]}
            assert own["readOnlyRootFilesystem"] is True
            assert not own.get("privileged")
            assert own.get("runAsUser", context["runAsUser"]) > 0

    def test_it_takes_nothing_of_the_node(self, pod: Pod) -> None:
        for share in ("hostNetwork", "hostPID", "hostIPC"):
            assert not pod.spec.get(share)
        assert not [volume for volume in pod.spec.get("volumes", []) if "hostPath" in volume]
        assert not [
            port for c in pod.containers for port in c.get("ports", []) if "hostPort" in port
        ]

    def test_its_images_are_pinned(self, pod: Pod) -> None:
        for container in pod.containers:
            image = container["image"]
            name, _, tag = image.rpartition("/")[2].partition(":")
            assert "@sha256:" in image or re.match(r"\d+\.\d+", tag), f"{name}: {image}"

    def test_it_asks_for_what_it_uses(self, pod: Pod) -> None:
        for container in pod.containers:
            resources = container["resources"]
            for kind in ("requests", "limits"):
                assert {"cpu", "memory", "ephemeral-storage"} <= set(resources[kind])
            gpus = "nvidia.com/gpu"
            assert resources["requests"].get(gpus) == resources["limits"].get(gpus)

    def test_scratch_space_has_a_size(self, pod: Pod) -> None:
        for volume in pod.spec.get("volumes", []):
            if "emptyDir" in volume:
                assert "sizeLimit" in volume["emptyDir"], volume["name"]

    def test_a_gpu_comes_with_shared_memory_and_a_toleration(self, pod: Pod) -> None:
        for container in pod.containers:
            if "nvidia.com/gpu" not in container["resources"]["limits"]:
                continue
            mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
            volumes = {volume["name"]: volume for volume in pod.spec["volumes"]}
            assert volumes[mounts["/dev/shm"]]["emptyDir"]["medium"] == "Memory"
            assert "nvidia.com/gpu" in [item["key"] for item in pod.spec["tolerations"]]

    def test_it_gets_no_token_of_the_api(self, pod: Pod) -> None:
        # None of these servers, jobs and nodes speaks to the API; tasks, which do, are not here.
        assert pod.spec["automountServiceAccountToken"] is False
        assert pod.spec["serviceAccountName"] != "default"

    def test_a_server_has_probes(self, pod: Pod) -> None:
        if pod.owner["kind"] in ("Deployment", "StatefulSet"):
            for container in pod.spec["containers"]:
                assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)


@needs_tools
@pytest.mark.parametrize("folder", BUILT)
class TestObjects:
    def test_no_secret_is_written_down(self, folder: str) -> None:
        built = objects(folder)
        assert not [label(item) for item in built if item["kind"] == "Secret"]
        for item in built:
            if item["kind"] == "ConfigMap":
                assert not re.search(r"password\s*=|://[^/\s]+:[^/\s]+@", str(item["data"]), re.I)

    def test_every_object_says_what_it_belongs_to(self, folder: str) -> None:
        for item in objects(folder):
            labels = item["metadata"]["labels"]
            assert labels["app.kubernetes.io/part-of"] == "msm", label(item)
            assert labels["app.kubernetes.io/name"] == item["metadata"]["name"], label(item)

    def test_every_opening_of_the_network_has_a_reason(self, folder: str) -> None:
        for item in objects(folder):
            if item["kind"] != "NetworkPolicy":
                continue
            reason = item["metadata"].get("annotations", {}).get("msm/reason", "")
            assert len(reason.split()) >= 4, label(item)
            for rule in [*item["spec"].get("ingress", []), *item["spec"].get("egress", [])]:
                assert rule.get("from") or rule.get("to"), f"{label(item)} is open to everyone"
                if item["metadata"]["name"] != "msm-nodes-to-nodes":
                    assert rule["ports"], f"{label(item)} opens every port"

    def test_roles_name_what_they_allow(self, folder: str) -> None:
        for item in objects(folder):
            if item["kind"] not in ("Role", "ClusterRole"):
                continue
            for rule in item["rules"]:
                assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
                if "secrets" in rule["resources"]:
                    assert rule["resourceNames"], f"{label(item)} reads every secret"
                assert not {"escalate", "bind", "impersonate"} & set(rule["verbs"])
                assert not {"roles", "rolebindings", "pods/exec"} & set(rule["resources"])


@needs_tools
@pytest.mark.parametrize("folder", CLUSTERS)
class TestClusters:
    def test_every_reference_has_something_at_its_end(self, folder: str) -> None:
        built = objects(folder)
        configs = {
            (item["metadata"]["namespace"], item["metadata"]["name"]): set(item["data"])
            for item in built
            if item["kind"] == "ConfigMap"
        }
        tasks = tasks_namespace()
        for pod in (pod for name in (folder, "trainer") for pod in list_pods(name)):
            namespace = pod.owner["metadata"].get("namespace", tasks)
            for kind, name, key in _references(pod):
                if kind == "secret":
                    assert (name, key) in _documented(namespace, tasks), f"{pod.name}: {name}.{key}"
                else:
                    keys = configs.get((namespace, name))
                    assert keys is not None, f"{pod.name}: no ConfigMap {name} in {namespace}"
                    assert key is None or key in keys, f"{pod.name}: {name} has no {key}"

    def test_every_claim_account_and_priority_exists(self, folder: str) -> None:
        built = objects(folder)
        names = {(item["kind"], item["metadata"]["name"]) for item in built}
        for pod in (pod for name in (folder, "trainer") for pod in list_pods(name)):
            assert ("ServiceAccount", pod.spec["serviceAccountName"]) in names, pod.name
            if priority := pod.spec.get("priorityClassName"):
                assert ("PriorityClass", priority) in names, pod.name
            for volume in pod.spec.get("volumes", []):
                if claim := volume.get("persistentVolumeClaim"):
                    assert ("PersistentVolumeClaim", claim["claimName"]) in names, pod.name

    def test_each_namespace_of_ours_is_closed_by_default(self, folder: str) -> None:
        closed = [
            item["spec"]
            for item in objects(folder)
            if item["kind"] == "NetworkPolicy"
            and set(item["spec"]["policyTypes"]) == {"Ingress", "Egress"}
            and not item["spec"].get("ingress")
            and not item["spec"].get("egress")
        ]
        selectors = [spec["podSelector"] for spec in closed]
        assert {} in selectors, "the servers' namespace"
        assert {"matchLabels": {"app.kubernetes.io/part-of": "msm"}} in selectors, "the tasks"

    def test_policies_meet_at_both_ends(self, folder: str) -> None:
        # What a policy lets a pod reach is a pod that exists, on a port that it listens on.
        ports: dict[str, set[Any]] = {}
        for pod in list_pods(folder):
            name = pod.template["metadata"]["labels"]["app.kubernetes.io/name"]
            for port in (port for c in pod.containers for port in c.get("ports", [])):
                ports.setdefault(name, set()).update({port["containerPort"], port["name"]})
        for item in objects(folder):
            if item["kind"] != "NetworkPolicy":
                continue
            own = item["spec"]["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/name")
            for rule in item["spec"].get("ingress", []):
                for port in rule.get("ports", []):
                    assert port["port"] in ports[own], label(item)
            for rule in item["spec"].get("egress", []):
                for peer in rule["to"]:
                    match = peer.get("podSelector", {}).get("matchLabels", {})
                    if (name := match.get("app.kubernetes.io/name")) is None:
                        continue
                    assert {port["port"] for port in rule["ports"]} <= ports[name], label(item)

    def test_services_select_pods_and_budgets_too(self, folder: str) -> None:
        labels = [pod.template["metadata"]["labels"].items() for pod in list_pods(folder)]
        for item in objects(folder):
            if item["kind"] == "Service":
                selector = item["spec"]["selector"]
            elif item["kind"] == "PodDisruptionBudget":
                selector = item["spec"]["selector"]["matchLabels"]
            else:
                continue
            assert any(selector.items() <= found for found in labels), label(item)

    def test_every_server_has_a_budget_for_disruptions(self, folder: str) -> None:
        built = objects(folder)
        budgets = {i["metadata"]["name"] for i in built if i["kind"] == "PodDisruptionBudget"}
        servers = {
            i["metadata"]["name"] for i in built if i["kind"] in ("Deployment", "StatefulSet")
        }
        assert servers <= budgets

    def test_a_store_is_named(self, folder: str) -> None:
        for item in objects(folder):
            if item["kind"] == "ConfigMap" and item["metadata"]["name"] == "msm-config":
                assert item["data"]["MSM_STORE"].startswith("s3://")
                assert item["data"]["MLFLOW_ARTIFACTS_DESTINATION"].startswith("s3://")
                assert item["data"]["AWS_ENDPOINT_URL"].startswith("http")

    def test_the_quota_has_room_for_what_is_deployed(self, folder: str) -> None:
        quotas = [i for i in objects(folder) if i["kind"] == "ResourceQuota"]
        for quota in quotas:
            namespace = quota["metadata"]["namespace"]
            for resource, share in (("cpu", "limits"), ("memory", "limits")):
                limit = quota["spec"]["hard"].get(f"{share}.{resource}")
                if limit is None:
                    continue
                used = sum(
                    _number(container["resources"][share][resource])
                    * pod.owner["spec"].get("replicas", 1)
                    for pod in list_pods(folder)
                    if pod.owner["metadata"].get("namespace") == namespace
                    for container in pod.containers
                )
                assert used <= _number(limit), f"{label(quota)}: {resource}"

    def test_the_model_server_gets_as_many_gpus_as_it_uses(self, folder: str) -> None:
        built = {(i["kind"], i["metadata"]["name"]): i for i in objects(folder)}
        server = built.get(("Deployment", "msm-vllm"))
        if server is None:
            assert folder == "overlays/local"
            return
        container = server["spec"]["template"]["spec"]["containers"][0]
        used = built["ConfigMap", "msm-vllm"]["data"]["VLLM_GPUS"]
        assert container["resources"]["limits"]["nvidia.com/gpu"] == used


@needs_tools
def test_queues_name_flavours_that_exist_and_pools_that_karpenter_makes() -> None:
    queue = objects("overlays/kueue")
    flavours = {i["metadata"]["name"]: i["spec"] for i in queue if i["kind"] == "ResourceFlavor"}
    cluster = next(i for i in queue if i["kind"] == "ClusterQueue")
    local = next(i for i in queue if i["kind"] == "LocalQueue")
    for group in cluster["spec"]["resourceGroups"]:
        for flavour in group["flavors"]:
            assert flavour["name"] in flavours
            assert [r["name"] for r in flavour["resources"]] == group["coveredResources"]
    assert local["spec"]["clusterQueue"] == cluster["metadata"]["name"]
    made = [
        i["spec"]["template"]["metadata"]["labels"]
        for i in objects("overlays/eks")
        if i["kind"] == "NodePool"
    ]
    assert {str(spec["nodeLabels"]) for spec in flavours.values()} == {str(item) for item in made}


@needs_tools
def test_the_queue_is_where_the_tasks_are() -> None:
    queue = objects("overlays/kueue")
    local = next(i for i in queue if i["kind"] == "LocalQueue")
    cluster = next(i for i in queue if i["kind"] == "ClusterQueue")
    assert local["metadata"]["namespace"] == tasks_namespace()
    selected = cluster["spec"]["namespaceSelector"]["matchLabels"]
    assert selected == {"kubernetes.io/metadata.name": tasks_namespace()}


@needs_tools
def test_moving_the_tasks_is_one_line(tmp_path: Path) -> None:
    copy = shutil.copytree(K8S, tmp_path / "k8s")
    kustomization = copy / "base" / "tasks" / "kustomization.yaml"
    text = kustomization.read_text()
    kustomization.write_text(text.replace("namespace: kubeflow", "namespace: team-a"))
    built = subprocess.run(
        [TOOLS / "kubectl", "kustomize", copy / "overlays" / "on-prem"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    items = [item for item in yaml.safe_load_all(built) if item]
    assert {i["metadata"].get("namespace", "msm") for i in items} == {"msm", "team-a"}
    assert not re.search(r"\bkubeflow$", built, re.MULTILINE)


@needs_tools
def test_a_trainjob_of_ours_fits_the_runtime() -> None:
    runtime = objects("trainer")[0]
    job = Job(image="msm-train", runtime="msm-deepspeed", claim="msm-workspace", nodes=2)
    made = trainjob(
        job, "cheese", "msm-s1", train_command(Path("r.yaml"), "msm-s1", [], None, True)
    )
    assert made["spec"]["runtimeRef"]["name"] == runtime["metadata"]["name"]
    assert made["spec"]["runtimeRef"]["kind"] == runtime["kind"]
    (part,) = runtime["spec"]["template"]["spec"]["replicatedJobs"]
    (patch,) = made["spec"]["runtimePatches"]
    (patched,) = patch["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
    assert patched["name"] == part["name"]
    ours = part["template"]["spec"]["template"]["spec"]
    theirs = patched["template"]["spec"]["template"]["spec"]
    assert theirs["containers"][0]["name"] == ours["containers"][0]["name"]
    # Volumes are merged by name, mounts by path: a TrainJob's take the place of the runtime's.
    names = {volume["name"] for volume in ours["volumes"]}
    assert {volume["name"] for volume in theirs["volumes"]} <= names
    mounted = {m["mountPath"]: m["name"] for m in ours["containers"][0]["volumeMounts"]}
    for mount in theirs["containers"][0]["volumeMounts"]:
        assert mounted[mount["mountPath"]] == mount["name"]


def test_pipelines_and_trainer_are_the_releases_that_the_sdk_speaks_to() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    sdk = next(d for d in project["dependencies"] if d.startswith("kfp=="))
    for folder in ("kfp", "kfp/cluster"):
        for resource in _resources(folder):
            assert resource.endswith(f"?ref={sdk.removeprefix('kfp==')}")
    for folder in ("trainer/upstream",):
        for resource in _resources(folder):
            assert re.search(r"\?ref=v\d+\.\d+\.\d+$", resource)


def test_the_guide_names_folders_and_objects_that_exist() -> None:
    guide = (ROOT / "docs" / "kubernetes.md").read_text()
    for folder in re.findall(r"\bk8s/[\w./-]+", guide):
        assert (ROOT / folder.rstrip(".")).exists(), folder


def test_the_guide_shows_the_pipeline_that_is_compiled() -> None:
    tasks = build_tasks(load_recipe(ROOT / "recipes" / "cheese.yaml"))
    guide = (ROOT / "docs" / "kubernetes.md").read_text()
    shape = guide.partition("## The run as the KFP UI shows it")[2].partition("\n## ")[0]
    assert f"compiles to {len(tasks)}" in shape
    for task in tasks:
        if task.stage != "evaluate" and not task.name.startswith("documents-"):
            assert task.label in shape, task.label


def test_images_are_pinned_by_digest() -> None:
    text = (K8S / "images" / "kustomization.yaml").read_text()
    digest = "sha256:" + 64 * "a"
    pinned = yaml.safe_load(pin_images(text, {"cpu": f"here.example/a/msm-cpu@{digest}"}))
    images = {image["name"]: image for image in pinned["images"]}
    assert images["msm-cpu"] == {
        "name": "msm-cpu",
        "newName": "here.example/a/msm-cpu",
        "digest": digest,
    }
    assert images["postgres"] == {i["name"]: i for i in yaml.safe_load(text)["images"]}["postgres"]


def test_pinned_images_can_come_from_another_registry_and_again() -> None:
    text = (K8S / "images" / "kustomization.yaml").read_text()
    digests = {name: f"here.example/msm-{name}@sha256:" + 64 * "b" for name in ("cpu", "vllm")}
    pinned = pin_images(text, digests, registry="there.example/team/")
    names = {image["name"]: image.get("newName") for image in yaml.safe_load(pinned)["images"]}
    assert names["msm-vllm"] == "there.example/team/msm-vllm"
    assert pin_images(pinned, digests, registry="there.example/team") == pinned


@pytest.mark.parametrize(
    "digests", [{"cpu": "here.example/msm-cpu:1.0"}, {"gpu": "x/msm-gpu@sha256:" + 64 * "c"}]
)
def test_an_image_without_a_digest_or_an_entry_is_refused(digests: dict[str, str]) -> None:
    text = (K8S / "images" / "kustomization.yaml").read_text()
    with pytest.raises(ValueError, match=r"cpu|msm-gpu"):
        pin_images(text, digests)


def _resources(folder: str) -> list[str]:
    text = (K8S / folder / "kustomization.yaml").read_text()
    resources: list[str] = yaml.safe_load(text)["resources"]
    return resources


def _references(pod: Pod) -> list[tuple[str, str, str | None]]:
    """Each ConfigMap or Secret that a pod asks for: kind, name, key (or None for all keys)."""
    found: list[tuple[str, str, str | None]] = []
    for container in pod.containers:
        for source in container.get("envFrom", []):
            assert "secretRef" not in source, f"{pod.name} takes every key of a secret"
            found.append(("config", source["configMapRef"]["name"], None))
        for variable in container.get("env", []):
            source = variable.get("valueFrom", {})
            if chosen := source.get("secretKeyRef"):
                found.append(("secret", chosen["name"], chosen["key"]))
            if chosen := source.get("configMapKeyRef"):
                found.append(("config", chosen["name"], chosen["key"]))
    for volume in pod.spec.get("volumes", []):
        if secret := volume.get("secret"):
            items = secret.get("items") or [{"key": key} for key in _file_keys(pod, volume["name"])]
            found += [("secret", secret["secretName"], item["key"]) for item in items]
        if config := volume.get("configMap"):
            found.append(("config", config["name"], None))
    return found


def _file_keys(pod: Pod, volume: str) -> list[str]:
    """The files of a mounted secret that the container's variables name."""
    keys = []
    for container in pod.containers:
        for mount in container.get("volumeMounts", []):
            if mount["name"] == volume:
                prefix = mount["mountPath"] + "/"
                values = [variable.get("value", "") for variable in container.get("env", [])]
                keys += [v.removeprefix(prefix) for v in values if v.startswith(prefix)]
    return keys


def _documented(namespace: str, tasks: str) -> set[tuple[str, str]]:
    """The secrets' keys that k8s/secrets lists for a namespace."""
    found: set[tuple[str, str]] = set()
    for path in SECRETS.glob("*.example.env"):
        name, _, side = path.name.removesuffix(".example.env").partition(".")
        if side and (side == "tasks") != (namespace == tasks):
            continue
        for line in path.read_text().splitlines():
            if line and not line.startswith("#"):
                found.add((name, line.partition("=")[0]))
    if namespace != tasks and (SECRETS / "basic_auth.example.ini").exists():
        found.add(("msm-mlflow", "basic_auth.ini"))
    return found


def _number(quantity: str) -> float:
    """A quantity of Kubernetes as a number: "500m" is 0.5, "1Gi" is 2 to the 30th."""
    match = re.fullmatch(r"([0-9.]+)(m|Ki|Mi|Gi|Ti)?", str(quantity))
    assert match is not None, quantity
    powers = {"m": 0.001, None: 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
    return float(match[1]) * powers[match[2]]
