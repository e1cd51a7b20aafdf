"""What every manifest must keep to, beyond what tools check."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.kustomize import (
    BUILT,
    CLUSTERS,
    K8S,
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
