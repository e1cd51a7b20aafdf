"""Builds the overlays of k8s/ and walks over what comes out."""

from __future__ import annotations

import functools
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

Object = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent
K8S = ROOT / "k8s"
CLUSTERS = ("overlays/local", "overlays/gke", "overlays/eks", "overlays/on-prem")
BUILT = (*CLUSTERS, "overlays/kueue", "trainer")

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
TOOLS = Path(os.environ.get("MSM_K8S_TOOLS", ROOT / ".venv-k8s" / "bin"))
needs_tools = pytest.mark.skipif(
    not (TOOLS / "kubectl").exists(), reason="the tools for manifests are missing: make k8s-tools"
)


@functools.cache
def build(folder: str) -> str:
    """The YAML that `kubectl kustomize` makes of a folder of k8s/."""
    done = subprocess.run(
        [TOOLS / "kubectl", "kustomize", K8S / folder], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects(folder: str) -> list[Object]:
    """The objects of a folder of k8s/, built."""
    return [item for item in yaml.load_all(build(folder), Loader=LOADER) if item]


def tasks_namespace() -> str:
    """Where the pipelines' pods run."""
    name: str = yaml.safe_load((K8S / "base/tasks/kustomization.yaml").read_text())["namespace"]
    return name


def label(item: Object) -> str:
    """How a failing assertion names an object."""
    return f"{item['kind']}/{item['metadata'].get('namespace', '-')}/{item['metadata']['name']}"


def inner_jobs(item: Object) -> list[Object]:
    """The Jobs that a training runtime holds, each as an object of the Kubernetes API."""
    if item["kind"] != "ClusterTrainingRuntime":
        return []
    return [
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {
                **part["template"].get("metadata", {}),
                "name": part["name"],
                "namespace": tasks_namespace(),
            },
            "spec": part["template"]["spec"],
        }
        for part in item["spec"]["template"]["spec"]["replicatedJobs"]
    ]


@dataclass(frozen=True)
class Pod:
    """The template of a pod, and the object that it stands in."""

    owner: Object
    template: Object

    @property
    def spec(self) -> Object:
        spec: Object = self.template["spec"]
        return spec

    @property
    def containers(self) -> list[Object]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    @property
    def name(self) -> str:
        return label(self.owner)


def list_pods(folder: str) -> list[Pod]:
    """Every pod template among the objects of a folder."""
    found = []
    for item in objects(folder):
        for inner in inner_jobs(item) or [item]:
            template = inner.get("spec", {}).get("template")
            if isinstance(template, dict) and "containers" in template.get("spec", {}):
                found.append(Pod(item, template))
    return found


def every_pod() -> list[Any]:
    """Parameters for pytest: each pod of each folder (none where the tools are missing)."""
    if not (TOOLS / "kubectl").exists():
        return []
    return [
        pytest.param(pod, id=f"{folder}:{pod.name}")
        for folder in BUILT
        for pod in list_pods(folder)
    ]
