"""From a recipe to the tasks of an experiment: which stage, on what, to make which output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from msm.chat_sets import DemonstrationKind, Demonstrations, SourceKind
from msm.configs import (
    ArmResult,
    ChatsByModel,
    CurateConfig,
    DemonstrateConfig,
    PlanConfig,
    RegisterConfig,
    ReportConfig,
    SuiteConfig,
    SuiteResult,
    WriteConfig,
)
from msm.errors import UserError, nearest
from msm.evaluation_tasks import eval_prompts, evaluation_tasks, spec_file, weights, word_pairs
from msm.recipe import DOCUMENTS, MADE_FROM, Arm, Recipe
from msm.spec import shuffle_seed
from msm.task import (
    EmbeddingsInput,
    FileInput,
    Input,
    OutputInput,
    Stage,
    Task,
    arm_label,
)
from msm.training_tasks import mix_task, training_tasks

# Sets made from another set come behind it, whatever the order in the recipe.
LATER = {
    DemonstrationKind.COIN_FLIP: 1,
    DemonstrationKind.WITHOUT_REASONING: 1,
    DemonstrationKind.SUBSET: 2,
    DemonstrationKind.MIXED: 3,
}


def build_tasks(recipe: Recipe) -> list[Task]:
    """All tasks of an experiment, each after those it needs.

    Raises:
        UserError: two different outputs of the recipe would have the same name.
    """
    tasks: dict[str, Task] = {}

    def add(task: Task) -> None:
        if tasks.setdefault(task.label, task) != task:
            raise UserError(
                f"recipe '{recipe.name}': two different outputs would be called {task.label}; "
                "rename an arm, a spec or a set of demonstrations"
            )

    scores: dict[str, ArmResult] = {}
    suites: dict[str, SuiteResult] = {}
    checkpoints: dict[str, ArmResult] = {}
    for seed in recipe.seeds:
        for task in _demonstrations(recipe, seed):
            add(task)
        for arm in recipe.arms.values():  # an arm may be asked about documents of a later one
            for spec in arm.specs:
                for task in _corpora(recipe, arm, spec, seed):
                    add(task)
        for arm_name, arm in recipe.arms.items():
            for spec in arm.specs or ("",):
                name = arm_label(arm_name, spec, seed)
                result = ArmResult(arm=arm_name, spec=spec, seed=seed)
                for task, trained in training_tasks(recipe, arm_name, spec, seed):
                    add(task)
                    checkpoints[task.name] = trained
                for task in evaluation_tasks(recipe, arm_name, spec, seed):
                    add(task)
                    if isinstance(task.config, SuiteConfig):
                        suites[task.name] = SuiteResult(
                            **result.model_dump(), suite=task.config.suite
                        )
                    else:
                        scores[name] = result
    report = _report(recipe, scores, suites, list(tasks.values()))
    add(report)
    register = _register(recipe, scores, suites, checkpoints, list(tasks.values()))
    tasks[register.label] = register
    return list(tasks.values())


def find_task(recipe: Recipe, stage: Stage, name: str) -> Task:
    """The task of a stage by its name.

    Raises:
        UserError: the recipe has no such task; names the nearest one.
    """
    names = {task.name: task for task in build_tasks(recipe) if task.stage is stage}
    if name not in names:
        raise UserError(
            f"recipe '{recipe.name}' has no {stage} task '{name}'{nearest(name, names)}"
        )
    return names[name]


def _shuffle_seed(recipe: Recipe, name: str) -> int | None:
    return shuffle_seed(name) if recipe.specs[name].shuffled_from else None


def _corpora(recipe: Recipe, arm: Arm, spec: str, seed: int) -> list[Task]:
    """What makes the documents that an arm reads, if it reads any."""
    if DOCUMENTS not in arm.phases:
        return []
    if arm.mix is None:
        return _corpus(recipe, spec, seed)
    other = _corpus(recipe, arm.mix.spec, seed)
    return [*_corpus(recipe, spec, seed), *other, mix_task(spec, arm.mix, seed)]


def _corpus(recipe: Recipe, spec: str, seed: int) -> list[Task]:
    name = arm_label("", spec, seed)
    sources: dict[str, Input] = {"spec": spec_file(recipe, spec), **weights(recipe, "author")}
    corpus = recipe.corpus
    by_model = recipe.author.is_model
    plan = PlanConfig(
        assistant=recipe.assistant,
        provider=recipe.provider,
        author=recipe.author,
        documents=corpus.documents,
        outline=corpus.outline if by_model else None,
        maximum_failures=corpus.maximum_failures,
        shuffle_seed=_shuffle_seed(recipe, spec),
        seed=seed,
    )
    write = WriteConfig(
        assistant=recipe.assistant,
        provider=recipe.provider,
        author=recipe.author,
        minimum_words=corpus.minimum_words,
        maximum_words=corpus.maximum_words,
        budget=corpus.budget if by_model else None,
        maximum_failures=corpus.maximum_failures,
        shuffle_seed=_shuffle_seed(recipe, spec),
        seed=seed,
    )
    curated: dict[str, Input] = {
        "documents": OutputInput(Stage.WRITE, name),
        **eval_prompts(recipe),
    }
    judged = corpus.contradiction_check
    if judged:
        curated |= {"spec": spec_file(recipe, spec), **weights(recipe, "judge")}
    curate = CurateConfig(
        assistant=recipe.assistant,
        provider=recipe.provider,
        corpus=corpus,
        judge=recipe.judge if judged else None,
        shuffle_seed=_shuffle_seed(recipe, spec) if judged else None,
    )
    return [
        Task(Stage.PLAN, name, plan, sources),
        Task(Stage.WRITE, name, write, {**sources, "plan": OutputInput(Stage.PLAN, name)}),
        Task(Stage.CURATE, name, curate, curated),
    ]


def _demonstrations(recipe: Recipe, seed: int) -> list[Task]:
    """A task for each set, those made from another set behind it."""
    sets = sorted(recipe.demonstrations.items(), key=lambda item: LATER.get(item[1].kind, 0))
    tasks = []
    for set_name, chats in sets:
        drawn = chats.kind in (DemonstrationKind.SUBSET, DemonstrationKind.MIXED)
        # What is drawn from a set was compared with the evaluation when that set was made.
        inputs: dict[str, Input] = {} if drawn else {**eval_prompts(recipe)}
        models = _chats_by_model(recipe, chats)
        if chats.spec and (models or chats.kind is not DemonstrationKind.INSTRUCTION):
            inputs["spec"] = spec_file(recipe, chats.spec)
        if chats.kind in MADE_FROM:
            inputs["chats"] = OutputInput(Stage.DEMONSTRATE, arm_label(chats.of, "", seed))
        if chats.other:
            inputs["other"] = OutputInput(Stage.DEMONSTRATE, arm_label(chats.other, "", seed))
        if chats.source.kind is SourceKind.FILE:
            inputs["source"] = FileInput(Path(chats.source.path))
        aligned = chats.kind is DemonstrationKind.ALIGNED
        if models is not None:
            inputs |= weights(recipe, "judge")
            if models.author is not None:
                inputs |= weights(recipe, "author")
                if aligned:
                    inputs["embeddings"] = _embeddings(chats)
        named = models is not None or aligned
        # Preferences take the items alone, which shuffling leaves as they are.
        text_counts = "spec" in inputs and chats.kind is not DemonstrationKind.PREFERENCE
        config = DemonstrateConfig(
            kind=chats.kind,
            count=chats.count,
            seed=seed,
            assistant=recipe.assistant if named else "",
            provider=recipe.provider if named else "",
            shuffle_seed=_shuffle_seed(recipe, chats.spec) if text_counts else None,
            source=chats.source if chats.kind is DemonstrationKind.INSTRUCTION else None,
            models=models,
            share=chats.share,
        )
        tasks.append(Task(Stage.DEMONSTRATE, arm_label(set_name, "", seed), config, inputs))
    return tasks


def _chats_by_model(recipe: Recipe, chats: Demonstrations) -> ChatsByModel | None:
    """What the config says of models, or None where no model has a part in the set."""
    instruction = chats.kind is DemonstrationKind.INSTRUCTION
    taking_part = recipe.judge if instruction else recipe.author
    if chats.kind in MADE_FROM or not taking_part.is_model:
        return None
    return ChatsByModel(
        author=None if instruction else recipe.author,
        judge=recipe.judge,
        criteria=chats.criteria,
        topics=chats.topics,
        near_duplicate=chats.near_duplicate,
        answer_tokens=chats.answer_tokens,
        backfill_rounds=chats.backfill_rounds,
        maximum_failures=chats.maximum_failures,
    )


def _embeddings(chats: Demonstrations) -> Input:
    folder = chats.embeddings.folder
    return FileInput(Path(folder)) if folder else EmbeddingsInput()


def _report(
    recipe: Recipe,
    scores: Mapping[str, ArmResult],
    suites: Mapping[str, SuiteResult],
    tasks: Sequence[Task],
) -> Task:
    """The comparison of all arms; where there are suites, also of what it took to make them."""
    inputs: dict[str, Input] = {
        **word_pairs(recipe),
        **{name: OutputInput(Stage.EVALUATE, name) for name in scores},
        **{f"suite:{name}": OutputInput(Stage.EVALUATE, name) for name in suites},
    }
    if suites:
        made = (Stage.PLAN, Stage.WRITE, Stage.CURATE, Stage.DEMONSTRATE, Stage.TRAIN)
        inputs |= {
            task.label: OutputInput(task.stage, task.name) for task in tasks if task.stage in made
        }
        if recipe.evaluation.judge_check:
            inputs["judge-check"] = FileInput(Path(recipe.evaluation.judge_check))
    config = ReportConfig(
        experiment=recipe.name,
        summary=recipe.summary,
        assistant=recipe.assistant,
        specs=tuple(recipe.specs),
        order=tuple(scores),
        results=scores,
        analysis=recipe.analysis,
        suites=suites,
        suite_order=tuple(suites),
    )
    return Task(Stage.REPORT, recipe.name, config, inputs)


def _register(
    recipe: Recipe,
    scores: Mapping[str, ArmResult],
    suites: Mapping[str, SuiteResult],
    checkpoints: Mapping[str, ArmResult],
    tasks: list[Task],
) -> Task:
    inputs: dict[str, Input] = {
        "report": OutputInput(Stage.REPORT, recipe.name),
        **word_pairs(recipe),
        **{f"spec:{name}": spec_file(recipe, name) for name in recipe.specs},
        **{f"suite:{name}": OutputInput(Stage.EVALUATE, name) for name in suites},
    }
    for name in scores:
        inputs[f"scores:{name}"] = OutputInput(Stage.EVALUATE, name)
    for name in checkpoints:
        inputs[f"checkpoint:{name}"] = OutputInput(Stage.TRAIN, name)
    for task in tasks:
        if task.stage in (Stage.CURATE, Stage.DEMONSTRATE):
            inputs[f"{task.stage}:{task.name}"] = OutputInput(task.stage, task.name)
    config = RegisterConfig(
        experiment=recipe.name,
        model=recipe.register_.model,
        arm=recipe.register_.arm,
        assistant=recipe.assistant,
        student=recipe.student.label,
        start=recipe.student,
        results=checkpoints,
        suites=suites,
    )
    return Task(Stage.REGISTER, recipe.name, config, inputs)
