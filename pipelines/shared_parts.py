"""Makes a compiled pipeline small: what several steps have in common stands in it once.

KFP's compiler writes a component and an executor for each step, also where they are the same ones.
A run's object in the cluster's store holds them all, and may have 1.5 MiB at most.
"""

import json
from collections.abc import Mapping
from typing import Any


def share_parts(spec: Mapping[str, Any], platform: Mapping[str, Any]) -> tuple[Any, Any]:
    """The same pipeline with each component and each executor once.

    Args:
        spec: the pipeline's specification, as JSON values.
        platform: what kfp-kubernetes says besides, by executor; may be empty.

    Returns:
        New values for both.
    """
    spec, platform = json.loads(json.dumps(spec)), json.loads(json.dumps(platform))
    executors = spec["deploymentSpec"]["executors"]
    settings = _settings(platform)
    kept = _first_alike({name: [executors[name], settings.get(name)] for name in executors})
    for name, first in kept.items():
        if name != first:
            del executors[name]
            settings.pop(name, None)
    components = spec["components"]
    for component in components.values():
        if "executorLabel" in component:
            component["executorLabel"] = kept[component["executorLabel"]]
    first_of = _first_alike(components)
    for name, first in first_of.items():
        if name != first:
            del components[name]
    for graph in (spec["root"], *components.values()):
        for task in graph.get("dag", {}).get("tasks", {}).values():
            task["componentRef"]["name"] = first_of[task["componentRef"]["name"]]
    return spec, platform


def _settings(platform: Mapping[str, Any]) -> dict[str, Any]:
    kubernetes = platform.get("platforms", {}).get("kubernetes", {})
    settings: dict[str, Any] = kubernetes.get("deploymentSpec", {}).get("executors", {})
    return settings


def _first_alike(parts: Mapping[str, Any]) -> dict[str, str]:
    """For each part the name of the first that is equal to it."""
    firsts: dict[str, str] = {}
    return {
        name: firsts.setdefault(json.dumps(part, sort_keys=True), name)
        for name, part in parts.items()
    }
