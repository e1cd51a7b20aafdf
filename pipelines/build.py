"""From a recipe to a Kubeflow pipeline: one task for each task of the experiment."""

from typing import Any

from kfp import dsl

from components.curate.component import curate
from components.demonstrate.component import demonstrate
from components.evaluate.component import evaluate
from components.ledger.component import ledger
from components.plan.component import plan
from components.preflight.component import preflight
from components.recipe.component import recipe as recipe_component
from components.register.component import register
from components.report.component import report
from components.train.component import train
from components.wide import DIGEST, parameter_names
from components.write.component import write
from msm.bundle import bundle
from msm.errors import UserError
from msm.experiment import build_tasks
from msm.recipe import Recipe
from msm.task import OutputInput, Stage, Task
from pipelines.placing import Placing

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
# The recipe is one argument of a process, of which Linux takes 128 KiB, and stands there escaped.
LONGEST_BUNDLE = 100_000  # bytes


def build_pipeline(experiment: Recipe, placing: Placing) -> Any:
    """The pipeline with one step of each kind; ``pipelines.stamp`` puts in the steps themselves.

    KFP's compiler writes a component and an executor for every step, and the time that it takes
    grows with the square of their number: half a minute for a thousand. Steps of one stage that
    have the same parameters differ in nothing but names, so that one of them is enough.

    Args:
        experiment: the recipe.
        placing: says where each step runs.

    Raises:
        UserError: the recipe names a file that a pipeline cannot bring along, or is too long.
    """
    text = bundle(experiment)
    if len(text.encode()) > LONGEST_BUNDLE:
        raise UserError(
            f"recipe '{experiment.name}' and its files have {len(text.encode()):,} bytes, but a "
            f"pipeline can be handed {LONGEST_BUNDLE:,}; shorten the specs, or use `msm run`"
        )

    @dsl.pipeline(name=f"msm-{experiment.name}", description=" ".join(experiment.summary.split()))
    def pipeline(bundle: str = text) -> None:
        ending = ledger(bundle=bundle)
        placing.alone(ending, experiment)
        with dsl.ExitHandler(ending, name="experiment"):
            checking = preflight(bundle=bundle)
            placing.alone(checking, experiment)
            handing = recipe_component(bundle=bundle).after(checking)
            placing.light(handing, experiment)
            made: dict[Stage, Any] = {}
            for task in one_of_each_kind(experiment):
                step = _step(task, handing.outputs["out"], made)
                step.set_display_name(task.label)
                # Registering is for MLflow as it is now, which no cache knows of.
                step.set_caching_options(task.stage is not Stage.REGISTER)
                placing.task(step, experiment, task.stage)
                made.setdefault(task.stage, step)

    return pipeline


def task_inputs(task: Task) -> dict[str, OutputInput]:
    """What a task reads of other tasks, by the name of the parameter."""
    needs = {role: need for role, need in task.inputs.items() if isinstance(need, OutputInput)}
    names = parameter_names({role: need.stage.value for role, need in needs.items()})
    return {names[role]: need for role, need in needs.items()}


def kind_of(task: Task) -> tuple[Any, ...]:
    """Equal for tasks whose steps differ in names alone: the stage, and what it reads."""
    return (task.stage, *((name, need.stage) for name, need in task_inputs(task).items()))


def one_of_each_kind(experiment: Recipe) -> list[Task]:
    """The first task of each kind, in order."""
    kinds: dict[tuple[Any, ...], Task] = {}
    for task in build_tasks(experiment):
        kinds.setdefault(kind_of(task), task)
    return list(kinds.values())


def _step(task: Task, recipe: Any, made: dict[Stage, Any]) -> Any:
    needs = task_inputs(task)
    kinds = {name: ARTIFACTS.get(need.stage, dsl.Artifact) for name, need in needs.items()}
    given: dict[str, Any] = {}
    for name, need in needs.items():
        outputs = made[need.stage].outputs  # of some step of that stage, until it is stamped
        given |= {name: outputs["out"], f"{name}{DIGEST}": outputs["digest"]}
    component = COMPONENTS[task.stage].with_inputs(kinds)
    return component(recipe=recipe, name=task.name, **given)
