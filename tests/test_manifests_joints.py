"""Where the manifests meet what lies beside them: queues, TrainJobs, the guide, images."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from k8s.pin_images import pin_images
from msm.execution import Job
from msm.experiment import build_tasks
from msm.recipe_file import load_recipe
from msm.training.trainjob import train_command, trainjob
from tests.kustomize import (
    K8S,
    ROOT,
    TOOLS,
    needs_tools,
    objects,
    tasks_namespace,
)

pytestmark = pytest.mark.manifests


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
