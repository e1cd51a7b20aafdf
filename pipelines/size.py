"""How large the object of a run is in a cluster's store, which takes 1.5 MiB of one.

KFP's backend turns a pipeline into a Workflow of Argo's. No backend is needed to say how large it
is, since its form is known: components, executors and settings once each, by their hash, and for
each step two tasks, the driver and the executor, that name them and hold the step itself as text.
"""

import json
from collections.abc import Mapping
from typing import Any

import yaml

LIMIT = 1_572_864  # bytes: etcd's --max-request-bytes, if nobody changed it
FRAME = 20_000  # of the templates that every Workflow has: driver, launcher, retries
_HASH = "x" * 64
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def workflow_bytes(text: str) -> int:
    """The size of the Workflow of a compiled pipeline, in bytes, before it has begun to run.

    What Argo adds meanwhile, the state of each pod, it packs when that grows too large.
    """
    documents = list(yaml.load_all(text, Loader=_Loader))
    return size_of(documents[0], documents[1] if len(documents) > 1 else {})


def size_of(spec: Mapping[str, Any], platform: Mapping[str, Any]) -> int:
    """The same of a compiled pipeline as JSON values."""
    settings = platform.get("platforms", {}).get("kubernetes", {}).get("deploymentSpec", {})
    once = [*spec["components"].values(), *spec["deploymentSpec"]["executors"].values()]
    once += [*settings.get("executors", {}).values(), spec["root"].get("inputDefinitions", {})]
    shared = sum(_size({"name": _HASH, "value": json.dumps(part)}) for part in once)
    graphs = [spec["root"], *(part for part in spec["components"].values() if "dag" in part)]
    # A graph's own component is among the parameters too, with its steps left in.
    steps = [step for graph in graphs for step in graph["dag"]["tasks"].items()]
    return FRAME + shared + sum(_step(key, step) for key, step in steps)


def _step(key: str, step: Mapping[str, Any]) -> int:
    driver = {
        "name": f"{key}-driver",
        "template": "system-container-driver",
        "depends": " && ".join(f"{other}.Succeeded" for other in step.get("dependentTasks", ())),
        "arguments": {
            "parameters": [
                {"name": "component", "value": f"{{{{workflow.parameters.components-{_HASH}}}}}"},
                {"name": "task", "value": json.dumps(step)},
                {
                    "name": "container",
                    "value": f"{{{{workflow.parameters.implementations-{_HASH}}}}}",
                },
                {
                    "name": "kubernetes-config",
                    "value": f"{{{{workflow.parameters.kubernetes-{_HASH}}}}}",
                },
                {"name": "task-name", "value": key},
                {"name": "parent-dag-id", "value": "{{inputs.parameters.parent-dag-id}}"},
            ]
        },
    }
    output = f"{{{{tasks.{key}-driver.outputs.parameters"
    executor = {
        "name": key,
        "template": "retry-system-container-executor",
        "depends": f"{key}-driver.Succeeded",
        "arguments": {
            "parameters": [
                {"name": "pod-spec-patch", "value": f"{output}.pod-spec-patch}}}}"},
                {
                    "name": "cached-decision",
                    "default": "false",
                    "value": f"{output}.cached-decision}}}}",
                },
            ]
        },
    }
    return _size(driver) + _size(executor)


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())
