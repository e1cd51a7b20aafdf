"""TrainJob as a resource of an API server: its schema from Kubeflow's own typed models.

Upstream's definition is 450 KB of YAML; the models of ``kubeflow-trainer-api`` come from the same
types. A server prunes what a schema does not name, so that a mistyped field is seen to be lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.kube_apiserver import Cluster

NAME = "trainjobs.trainer.kubeflow.org"


def definition() -> dict[str, Any]:
    """The CustomResourceDefinition of ``trainer.kubeflow.org/v1alpha1`` TrainJob."""
    from kubeflow_trainer_api.models.trainer_v1alpha1_train_job import TrainerV1alpha1TrainJob

    whole = TrainerV1alpha1TrainJob.model_json_schema(by_alias=True)
    schema = _structural(whole, whole["$defs"])
    schema["properties"]["metadata"] = {"type": "object"}  # the server's own
    version = {
        "name": "v1alpha1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": schema},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": NAME,
            "annotations": {"api-approved.kubernetes.io": "unapproved, in a test"},
        },
        "spec": {
            "group": "trainer.kubeflow.org",
            "scope": "Namespaced",
            "names": {"kind": "TrainJob", "plural": "trainjobs", "singular": "trainjob"},
            "versions": [version],
        },
    }


def install(cluster: Cluster) -> None:
    """Make the resource known to a server, and wait until it serves it."""
    done = cluster.kubectl("create", "-f", "-", stdin=json.dumps(definition()))
    assert done.returncode == 0, done.stderr
    waited = cluster.kubectl("wait", "--for=condition=established", "--timeout=60s", f"crd/{NAME}")
    assert waited.returncode == 0, waited.stderr


def _structural(schema: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """As Kubernetes wants it: no references, no alternatives, a type everywhere."""
    if "$ref" in schema:
        return _structural(known[schema["$ref"].rpartition("/")[2]], known)
    options = [item for item in schema.get("anyOf", ()) if item.get("type") != "null"]
    if len(options) == 1:
        return _structural(options[0], known)
    if options or "one_of_schemas" in schema.get("properties", {}):  # a quantity
        return {"x-kubernetes-int-or-string": True}
    kind = schema.get("type")
    if kind is None:
        return {"x-kubernetes-preserve-unknown-fields": True, "type": "object"}
    found: dict[str, Any] = {"type": kind}
    if kind == "array":
        found["items"] = _structural(schema["items"], known)
    if "properties" in schema:
        found["properties"] = {
            name: _structural(part, known) for name, part in schema["properties"].items()
        }
    elif kind == "object":
        more = schema.get("additionalProperties")
        if isinstance(more, Mapping):
            found["additionalProperties"] = _structural(more, known)
        else:
            found["x-kubernetes-preserve-unknown-fields"] = True
    if required := schema.get("required"):
        found["required"] = [name for name in required if name not in ("status",)]
    return found
