"""From a recipe to a Kubeflow pipeline: one task for each task of the experiment."""

from typing import Any

from kfp import dsl

from components.curate.component import curate
from components.demonstrate.component import demonstrate
from components.evaluate.component import evaluate
from components.evaluate_shard.component import evaluate_shard
from components.ledger.component import ledger
from components.plan.component import plan
from components.preflight.component import preflight
from components.recipe.component import recipe as recipe_component
from components.register.component import register
from components.report.component import report
from components.train.component import train
from components.wide import DIGEST, parameter_names
from components.write.component import write
from components.write_shard.component import write_shard
from msm.bundle import bundle
from msm.configs import EvaluateConfig, SuiteConfig, WriteConfig
from msm.corpus import shards as write_shards
from msm.errors import UserError
from msm.evals import shards as evaluate_shards
from msm.recipe import Recipe
from msm.task import OutputInput, Stage, Task
from pipelines.parts import Part
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
SHARDS = {Stage.WRITE: write_shard, Stage.EVALUATE: evaluate_shard}
ARTIFACTS: dict[Stage, type[dsl.Artifact]] = {
    Stage.PLAN: dsl.Dataset,
    Stage.WRITE: dsl.Dataset,
    Stage.CURATE: dsl.Dataset,
    Stage.DEMONSTRATE: dsl.Dataset,
    Stage.TRAIN: dsl.Model,
}
# The recipe is one argument of a process, of which Linux takes 128 KiB, and stands there escaped.
LONGEST_BUNDLE = 100_000  # bytes


def build_pipeline(experiment: Recipe, placing: Placing, part: Part) -> Any:
    """The pipeline with one step of each kind; ``pipelines.stamp`` puts in the steps themselves.

    KFP's compiler writes a component and an executor for every step, and the time that it takes
    grows with the square of their number: half a minute for a thousand. Steps of one stage that
    have the same parameters differ in nothing but names, so that one of them is enough.

    Args:
        experiment: the recipe.
        placing: says where each step runs.
        part: which tasks of the recipe.

    Raises:
        UserError: the recipe names a file that a pipeline cannot bring along, or is too long.
    """
    text = bundle(experiment)
    if len(text.encode()) > LONGEST_BUNDLE:
        raise UserError(
            f"recipe '{experiment.name}' and its files have {len(text.encode()):,} bytes, but a "
            f"pipeline can be handed {LONGEST_BUNDLE:,}; shorten the specs, or use `msm run`"
        )

    @dsl.pipeline(name=f"msm-{part.name}", description=" ".join(experiment.summary.split()))
    def pipeline(bundle: str = text) -> None:
        ending = ledger(bundle=bundle)
        placing.alone(ending, experiment)
        with dsl.ExitHandler(ending, name="experiment"):
            checking = preflight(bundle=bundle)
            placing.alone(checking, experiment)
            handing = recipe_component(bundle=bundle).after(checking)
            placing.light(handing, experiment)
            made: dict[Stage, Any] = {}
            for task in one_of_each_kind(experiment, part):
                step = _step(task, part, handing.outputs["out"], made)
                if number_of_shards(experiment, task) > 1:
                    share = _shard(task, part, handing.outputs["out"], made)
                    share.set_display_name(shard_label(task, 0))
                    placing.task(share, experiment, task.stage)
                    step.after(share)
                step.set_display_name(task.label)
                # Registering is for MLflow as it is now, which no cache knows of.
                step.set_caching_options(task.stage is not Stage.REGISTER)
                placing.task(step, experiment, task.stage)
                made.setdefault(task.stage, step)

    return pipeline


def task_inputs(task: Task, part: Part) -> dict[str, OutputInput]:
    """What a task reads of other tasks of its run, by the name of the parameter.

    None in the last of several parts: there each task takes from the store what it reads.
    """
    if part.gathers:
        return {}
    needs = {role: need for role, need in task.inputs.items() if isinstance(need, OutputInput)}
    names = parameter_names({role: need.stage.value for role, need in needs.items()})
    return {names[role]: need for role, need in needs.items()}


def kind_of(experiment: Recipe, task: Task, part: Part) -> tuple[Any, ...]:
    """Equal for tasks whose steps differ in names alone: the stage, and what it reads.

    Tasks with shards before them are of a kind of their own, so that each has an example of one.
    """
    reads = ((name, need.stage) for name, need in task_inputs(task, part).items())
    return (task.stage, number_of_shards(experiment, task) > 1, *reads)


def one_of_each_kind(experiment: Recipe, part: Part) -> list[Task]:
    """The first task of each kind, in order."""
    kinds: dict[tuple[Any, ...], Task] = {}
    for task in part.tasks:
        kinds.setdefault(kind_of(experiment, task, part), task)
    return list(kinds.values())


def number_of_shards(experiment: Recipe, task: Task) -> int:
    """How many steps do a share of a task before it begins; one: none but itself."""
    match task.config:
        case WriteConfig() as config:
            return write_shards.shard_count(experiment.execution, config)
        case EvaluateConfig() | SuiteConfig() as config:
            return evaluate_shards.shard_count(experiment.execution, config)
        case _:
            return 1


def shard_label(task: Task, shard: int) -> str:
    """What the step of a shard is shown as."""
    return f"{task.label} {shard}"


def _shard(task: Task, part: Part, recipe: Any, made: dict[Stage, Any]) -> Any:
    kinds, given = _read(task, part, made)
    component = SHARDS[task.stage].with_inputs(kinds)
    return component(recipe=recipe, name=task.name, shard=0, **given)


def _step(task: Task, part: Part, recipe: Any, made: dict[Stage, Any]) -> Any:
    kinds, given = _read(task, part, made)
    component = COMPONENTS[task.stage].with_inputs(kinds)
    return component(recipe=recipe, name=task.name, **given)


def _read(
    task: Task, part: Part, made: dict[Stage, Any]
) -> tuple[dict[str, type[dsl.Artifact]], dict[str, Any]]:
    """What a step reads of other steps: the types, and the arguments, by parameter."""
    needs = task_inputs(task, part)
    kinds = {name: ARTIFACTS.get(need.stage, dsl.Artifact) for name, need in needs.items()}
    given: dict[str, Any] = {}
    for name, need in needs.items():
        outputs = made[need.stage].outputs  # of some step of that stage, until it is stamped
        given |= {name: outputs["out"], f"{name}{DIGEST}": outputs["digest"]}
    return kinds, given
