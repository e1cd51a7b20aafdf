"""What tools say of the manifests: schemas of three Kubernetes versions, checkov's policies."""

from __future__ import annotations

import copy
import fnmatch
import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.kustomize import BUILT, CLUSTERS, K8S, TOOLS, Object, inner_jobs, needs_tools, objects
from tests.kustomize import label as label_of

pytestmark = [pytest.mark.manifests, needs_tools]

VERSIONS = ("1.33", "1.35", "1.37")
SCHEMAS = yaml.safe_load((K8S / "policy" / "custom-resources.yaml").read_text())
EXCEPTIONS = yaml.safe_load((K8S / "policy" / "exceptions.yaml").read_text())


def kind_of(item: Object) -> str:
    return f"{item['apiVersion']}/{item['kind']}"


def core_objects(folder: str) -> list[Object]:
    """What Kubernetes itself knows: the core objects, and the Jobs inside training runtimes."""
    items = objects(folder)
    core = [item for item in items if kind_of(item) not in SCHEMAS]
    return core + [job for item in items for job in inner_jobs(item)]


def validate(items: list[Object], version: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = folder / "objects.yaml"
    path.write_text(yaml.safe_dump_all(items))
    return subprocess.run(
        [TOOLS / "kubernetes-validate", "--strict", "-k", version, path],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("folder", (*CLUSTERS, "trainer"))
def test_core_objects_fit_the_schema(folder: str, version: str, tmp_path: Path) -> None:
    done = validate(core_objects(folder), version, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_mistyped_field_does_not_fit(tmp_path: Path) -> None:
    item = copy.deepcopy(next(i for i in objects("overlays/gke") if i["kind"] == "Deployment"))
    item["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    done = validate([item], VERSIONS[-1], tmp_path)
    assert done.returncode != 0
    assert "readinesProbe" in done.stdout + done.stderr


@pytest.mark.parametrize("folder", BUILT)
def test_custom_resources_fit_their_schema(folder: str) -> None:
    for item in objects(folder):
        if kind_of(item) in SCHEMAS:
            jsonschema.validate(item, _schema(item))


@pytest.mark.parametrize(
    ("folder", "kind", "path"),
    [
        ("overlays/kueue", "ClusterQueue", ("spec", "queuingStrategy")),
        ("overlays/eks", "NodePool", ("spec", "template", "spec", "taint")),
        ("overlays/eks", "EC2NodeClass", ("spec", "metadataOptions", "httpToken")),
        ("trainer", "ClusterTrainingRuntime", ("spec", "mlPolicy", "numNode")),
    ],
)
def test_a_mistyped_field_of_a_custom_resource_does_not_fit(
    folder: str, kind: str, path: tuple[str, ...]
) -> None:
    item = copy.deepcopy(next(i for i in objects(folder) if i["kind"] == kind))
    place = item
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = "anything"
    with pytest.raises(jsonschema.ValidationError, match=path[-1]):
        jsonschema.validate(item, _schema(item))


def test_the_training_runtime_survives_trainers_own_types(tmp_path: Path) -> None:
    # The types drop what they do not know, so what comes back unchanged has no unknown field.
    runtime = next(i for i in objects("trainer") if i["kind"] == "ClusterTrainingRuntime")
    path = tmp_path / "runtime.json"
    path.write_text(json.dumps(runtime))
    program = (
        "import json, sys\n"
        "from kubeflow_trainer_api.models import TrainerV1alpha1ClusterTrainingRuntime as Runtime\n"
        "given = json.load(open(sys.argv[1]))\n"
        "print(json.dumps(Runtime.from_dict(given).to_dict()))\n"
    )
    done = subprocess.run(
        [TOOLS / "python", "-c", program, path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert _without_empty(json.loads(done.stdout)) == _without_empty(runtime)


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, str]]:
    """What checkov finds fault with: check, resource, and the check's own words."""
    folder = tmp_path_factory.mktemp("checkov")
    for name in (*CLUSTERS, "trainer"):
        path = folder / f"{Path(name).name}.yaml"
        path.write_text(yaml.safe_dump_all(core_objects(name)))
    done = subprocess.run(
        [
            *(TOOLS / "checkov", "--directory", folder, "--framework", "kubernetes"),
            *("--compact", "--quiet", "--skip-download", "--output", "json"),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={"HOME": str(folder), "PATH": f"{TOOLS}:/usr/bin:/bin"},
    )
    report = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 1000
    return [
        (fault["check_id"], fault["resource"], fault["check_name"])
        for fault in report["results"]["failed_checks"]
    ]


def test_checkov_finds_no_more_than_is_accepted(findings: list[tuple[str, str, str]]) -> None:
    unexpected = [
        finding
        for finding in findings
        if not any(_covers(exception, finding) for exception in EXCEPTIONS)
    ]
    assert not unexpected


def test_every_exception_is_needed_and_has_a_reason(findings: list[tuple[str, str, str]]) -> None:
    for exception in EXCEPTIONS:
        assert len(exception["reason"].split()) > 8
        assert any(_covers(exception, finding) for finding in findings), exception["check"]


def _covers(exception: dict[str, Any], finding: tuple[str, str, str]) -> bool:
    check, resource, _ = finding
    patterns = exception["resources"]
    return exception["check"] == check and any(fnmatch.fnmatch(resource, p) for p in patterns)


def _schema(item: Object) -> Object:
    kind = kind_of(item)
    assert kind in SCHEMAS, f"{label_of(item)}: no schema for {kind}"
    return {"$defs": SCHEMAS["$defs"], **SCHEMAS[kind]}


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_empty(v) for k, v in value.items() if v not in (None, {}, [])}
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    return value
