"""From a recipe to a Kubeflow pipeline: one task for each task of the experiment."""

import json
from collections.abc import Callable
from typing import Any

from kfp import dsl

from components.curate.component import curate
from components.demonstrate.component import demonstrate
from components.evaluate.component import evaluate
from components.plan.component import plan
from components.register.component import register
from components.report.component import report
from components.train.component import train
from components.wide import WideComponent, parameter_names
from components.write.component import write
from msm.component import portable_recipe
from msm.experiment import build_tasks
from msm.recipe import Recipe
from msm.task import OutputInput, Stage, Task

COMPONENTS = {
    Stage.PLAN: plan,
    Stage.WRITE: write,
    Stage.CURATE: curate,
    Stage.DEMONSTRATE: demonstrate,
    Stage.TRAIN: train,
    Stage.EVALUATE: evaluate,
    Stage.REPORT: report,
    Stage.REGISTER: register,
}
ARTIFACTS: dict[Stage, type[dsl.Artifact]] = {
    Stage.PLAN: dsl.Dataset,
    Stage.WRITE: dsl.Dataset,
    Stage.CURATE: dsl.Dataset,
    Stage.DEMONSTRATE: dsl.Dataset,
    Stage.TRAIN: dsl.Model,
}


def build_pipeline(experiment: Recipe) -> Callable[..., Any]:
    """The pipeline of an experiment; its parameters are the recipe and the files that it names.

    The graph is fixed by the recipe it is built from. A run may be given another recipe as long
    as the names of its tasks are the same, such as one with other training settings.
    """
    text, suite, specs = portable_recipe(experiment)
    # JSON in one line, not a dict and not the files as they are: KFP writes defaults into a comment
    # of the compiled YAML, a dict in an order that differs from run to run, and a string of several
    # lines so that the file becomes invalid.
    texts = json.dumps({"suite": suite, "specs": specs}, ensure_ascii=False, sort_keys=True)

    @dsl.pipeline(name=f"msm-{experiment.name}", description=" ".join(experiment.summary.split()))
    def pipeline(
        recipe: str = text,
        files: str = texts,
    ) -> None:
        made: dict[str, Any] = {}
        for task in build_tasks(experiment):
            needs = _needs(task)
            names = parameter_names(needs)
            step = _component(task)(
                recipe=recipe,
                files=files,
                name=task.name,
                **{names[role]: made[f"{need.stage}/{need.name}"] for role, need in needs.items()},
            )
            step.set_display_name(task.label)
            made[task.label] = step.outputs["out"]

    return pipeline


def _needs(task: Task) -> dict[str, OutputInput]:
    """What a task reads of other tasks, by role."""
    return {role: need for role, need in task.inputs.items() if isinstance(need, OutputInput)}


def _component(task: Task) -> Callable[..., Any]:
    component = COMPONENTS[task.stage]
    if not isinstance(component, WideComponent):
        return component
    return component.with_inputs(
        {role: ARTIFACTS.get(need.stage, dsl.Artifact) for role, need in _needs(task).items()}
    )
