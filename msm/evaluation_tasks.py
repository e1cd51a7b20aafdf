"""The tasks that measure an arm: one for the word pairs, and one for each suite of the recipe."""

from __future__ import annotations

from pathlib import Path

from msm.configs import EvaluateConfig, SuiteConfig
from msm.model_choice import ModelChoice
from msm.recipe import DOCUMENTS, Recipe, SpecSource
from msm.suites import JUDGED, VERSIONS, KnowledgeSuite, ReasoningSuite, SuiteName, SuiteSettings
from msm.task import (
    FileInput,
    GivenInput,
    Input,
    OutputInput,
    PromptsInput,
    Stage,
    StudentInput,
    Task,
    arm_label,
)
from msm.weights import GivenSource

# Suites without prompts of their own that a text could hold: the one quotes the spec, which
# documents are about, and the other reads the transcripts of another suite.
WITHOUT_PROMPTS = (SuiteName.SPEC_KNOWLEDGE, SuiteName.REASONING)


def suite_label(suite: SuiteName, arm: str) -> str:
    """The name of what a suite found of an arm, whose label is ``arm``."""
    return f"{suite}.{arm}"


def eval_prompts(recipe: Recipe) -> dict[str, Input]:
    """Everything the experiment asks in its evaluation, as inputs of what makes training text."""
    suites = [name for name in recipe.evaluation.suites.chosen() if name not in WITHOUT_PROMPTS]
    return {**word_pairs(recipe), **{f"prompts-{name}": PromptsInput(name) for name in suites}}


def word_pairs(recipe: Recipe) -> dict[str, Input]:
    """The file of word pairs, if the recipe has one."""
    suite = recipe.evaluation.suite
    return {"suite": FileInput(Path(suite))} if suite else {}


def base_spec(recipe: Recipe, name: str) -> SpecSource:
    """The file behind a spec: its own, or that of the spec it is shuffled from."""
    source = recipe.specs[name]
    return base_spec(recipe, source.shuffled_from) if source.shuffled_from else source


def spec_file(recipe: Recipe, name: str) -> FileInput:
    """The file behind a spec, as an input."""
    return FileInput(Path(base_spec(recipe, name).path))


def weights(recipe: Recipe, role: str) -> dict[str, Input]:
    """A role's model folder as an input, so that its content is part of the identity."""
    choice: ModelChoice = getattr(recipe, role)
    return {role: FileInput(Path(choice.folder))} if choice.folder else {}


def evaluation_tasks(recipe: Recipe, arm: str, spec: str, seed: int) -> list[Task]:
    """All that measures one arm, read on one spec (empty without documents) with one seed."""
    label = arm_label(arm, spec, seed)
    model = _model(recipe, arm, label)
    tasks = [_pairs(recipe, label, model)] if recipe.evaluation.suite else []
    for suite, settings in recipe.evaluation.suites.chosen().items():
        tasks.append(_suite(recipe, suite, settings, arm, spec, seed, model))
    return tasks


def _model(recipe: Recipe, arm: str, label: str) -> dict[str, Input]:
    """The start model and, unless it is measured itself, what was trained from it."""
    given = recipe.arms[arm].checkpoint
    if recipe.arms[arm].phases:
        return {"student": StudentInput(), "checkpoint": OutputInput(Stage.TRAIN, label)}
    if given is None:
        return {"student": StudentInput()}
    if given.source is GivenSource.SERVER:
        return {}
    return {"student": StudentInput(), "checkpoint": GivenInput(arm)}


def _pairs(recipe: Recipe, label: str, model: dict[str, Input]) -> Task:
    evaluation = recipe.evaluation
    return Task(
        Stage.EVALUATE,
        label,
        EvaluateConfig(precision=evaluation.precision, batch_size=evaluation.batch_size),
        {**model, **word_pairs(recipe), "spec": spec_file(recipe, next(iter(recipe.specs)))},
    )


def _suite(
    recipe: Recipe,
    suite: SuiteName,
    settings: SuiteSettings,
    arm: str,
    spec: str,
    seed: int,
    model: dict[str, Input],
) -> Task:
    label = arm_label(arm, spec, seed)
    inputs: dict[str, Input] = {}
    if isinstance(settings, ReasoningSuite):
        agentic = suite_label(SuiteName.AGENTIC, label)
        inputs["transcripts"] = OutputInput(Stage.EVALUATE, agentic)
        if settings.reasons_file:
            inputs["reasons"] = FileInput(settings.reasons_file)
    else:
        inputs |= model
    if suite not in WITHOUT_PROMPTS:
        inputs["prompts"] = PromptsInput(suite)
    if isinstance(settings, KnowledgeSuite):
        inputs |= _knowledge(recipe, settings, seed)
    judged = suite in JUDGED
    given = recipe.arms[arm].checkpoint
    served = given if given and given.source is GivenSource.SERVER else None
    evaluation = recipe.evaluation
    config = SuiteConfig(
        suite=suite,
        version=VERSIONS[suite],
        settings=settings,
        assistant=recipe.assistant,
        provider=recipe.provider,
        precision=evaluation.precision,
        batch_size=evaluation.batch_size,
        seed=seed,
        judge=recipe.judge if judged else None,
        served=served,
    )
    inputs |= weights(recipe, "judge") if judged else {}
    return Task(Stage.EVALUATE, suite_label(suite, label), config, inputs)


def _knowledge(recipe: Recipe, settings: KnowledgeSuite, seed: int) -> dict[str, Input]:
    """The specs that are asked about; their held-out documents, where there are any."""
    inputs: dict[str, Input] = {}
    written = {
        name for arm in recipe.arms.values() if DOCUMENTS in arm.phases for name in arm.specs
    }
    for path in map(Path, settings.others):
        inputs[f"other-{path.parent.name}-{path.stem}"] = FileInput(path)
    for name in settings.specs or recipe.specs:
        inputs[f"spec-{name}"] = spec_file(recipe, name)
        if recipe.corpus.held_out and name in written:
            corpus = arm_label("", name, seed)
            inputs[f"corpus-{name}"] = OutputInput(Stage.CURATE, corpus)
    return inputs
