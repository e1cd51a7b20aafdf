"""Puts all steps of an experiment into a pipeline that KFP compiled with one of each kind.

Steps of one kind share a component and an executor; a step itself is a few lines: its name, and
from which other steps its inputs come. The form is KFP's own (``pipeline_spec.proto``).
"""

import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from components.wide import DIGEST
from msm.recipe import Recipe
from msm.task import Task
from pipelines.build import (
    kind_of,
    number_of_shards,
    one_of_each_kind,
    shard_label,
    task_inputs,
)
from pipelines.parts import Part

OUTPUT, CONTENT = "out", "digest"  # what every step of the experiment gives


def stamp(spec: Mapping[str, Any], part: Part, recipe: Recipe) -> dict[str, Any]:
    """The specification with a step for each task, in the place of the one of each kind.

    Args:
        spec: of ``pipelines.build.build_pipeline``, compiled, as JSON values.
        part: the same that was built.
        recipe: of which it is a part.
    """
    whole = copy.deepcopy(dict(spec))
    steps = _experiment(whole)
    examples = {step["taskInfo"]["name"]: key for key, step in steps.items()}
    kinds: dict[tuple[Any, ...], dict[str, Any]] = {}
    shares: dict[tuple[Any, ...], dict[str, Any]] = {}
    for task in one_of_each_kind(recipe, part):
        kinds[kind_of(recipe, task, part)] = steps.pop(examples[task.label])
        if number_of_shards(recipe, task) > 1:
            shares[kind_of(recipe, task, part)] = steps.pop(examples[shard_label(task, 0)])
    keys = step_keys(part.tasks)
    for task in part.tasks:
        kind = kind_of(recipe, task, part)
        step = _stamped(kinds[kind], task, part, keys)
        if kind in shares:
            before = {
                f"{keys[task.label]}-shard-{shard}": _share(
                    _stamped(shares[kind], task, part, keys), task, shard
                )
                for shard in range(number_of_shards(recipe, task))
            }
            steps |= before
            step["dependentTasks"] = sorted([*step["dependentTasks"], *before])
        steps[keys[task.label]] = step
    return whole


def _share(step: dict[str, Any], task: Task, shard: int) -> dict[str, Any]:
    step["inputs"]["parameters"]["shard"] = {"runtimeValue": {"constant": shard}}
    return {**step, "taskInfo": {"name": shard_label(task, shard)}}


def step_keys(tasks: Sequence[Task]) -> dict[str, str]:
    """What the steps are called within the pipeline, by label: short, since it comes up often."""
    numbers: Counter[str] = Counter()
    keys = {}
    for task in tasks:
        numbers[task.stage] += 1
        keys[task.label] = f"{task.stage}-{numbers[task.stage]}"
    return keys


def _experiment(spec: dict[str, Any]) -> dict[str, Any]:
    """The steps within the exit handler."""
    (name,) = (component for component, content in spec["components"].items() if "dag" in content)
    steps: dict[str, Any] = spec["components"][name]["dag"]["tasks"]
    return steps


def _stamped(
    example: Mapping[str, Any], task: Task, part: Part, keys: Mapping[str, str]
) -> dict[str, Any]:
    handing = example["inputs"]["artifacts"]["recipe"]
    producers = {handing["taskOutputArtifact"]["producerTask"]}
    if part.gathers:  # no artifact says so, but one reads what another puts into the store
        labels = {f"{need.stage}/{need.name}" for need in task.needs}
        producers |= {keys[label] for label in labels & keys.keys()}
    artifacts: dict[str, Any] = {"recipe": handing}
    parameters: dict[str, Any] = {"name": {"runtimeValue": {"constant": task.name}}}
    for name, need in task_inputs(task, part).items():
        producer = keys[f"{need.stage}/{need.name}"]
        producers.add(producer)
        artifacts[name] = {
            "taskOutputArtifact": {"outputArtifactKey": OUTPUT, "producerTask": producer}
        }
        parameters[f"{name}{DIGEST}"] = {
            "taskOutputParameter": {"outputParameterKey": CONTENT, "producerTask": producer}
        }
    return {
        **example,
        "inputs": {"artifacts": artifacts, "parameters": parameters},
        "dependentTasks": sorted(producers),
        "taskInfo": {"name": task.label},
    }


def apart(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The same pipeline with a component for each step, as KFP's local executor needs it.

    That one names a step's folder for the component, so steps of one kind would share theirs.
    """
    whole = copy.deepcopy(dict(spec))
    for key, step in _experiment(whole).items():
        # Of the specification as it was: a step's own component may have the name of a kind's.
        component = spec["components"][step["componentRef"]["name"]]
        step["componentRef"] = {"name": f"comp-{key}"}
        whole["components"][f"comp-{key}"] = component
    return whole
