"""What a training task would do: rows, steps, memory and hours, before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass

from msm.chat_sets import DemonstrationKind
from msm.configs import MixCorpusConfig, TrainConfig
from msm.corpus.preview import preview
from msm.execution import Trainer
from msm.experiment import find_task
from msm.recipe import Recipe
from msm.task import OutputInput, Stage, Task
from msm.training.estimate import Setup, hours, processes_needed
from msm.training.gpus import GPUS, Gpu, gpu_named
from msm.training.packing import fill, longest_pack
from msm.training.schedule import plan_steps, warmup_steps
from msm.training.shape import Shape
from msm.training_settings import Optimisation
from msm.workspace import Workspace

# Tokens of a chat, question and answer together, before it is made. Preference: 355,000 for the
# paper's 5,000 rows. Instruction: its 2 million for 10,000. Aligned: 10.8 million for a
# replicator's 20,000 rows, half of which are instruction chats.
CHAT_TOKENS = {
    DemonstrationKind.PREFERENCE: 71,
    DemonstrationKind.INSTRUCTION: 200,
    DemonstrationKind.ALIGNED: 880,
}


@dataclass(frozen=True)
class Rows:
    """What is trained on: each row's tokens, and whether these were counted or estimated."""

    lengths: tuple[int, ...]
    counted: bool


@dataclass(frozen=True)
class RunPlan:
    """A run's steps. ``attended`` is the tokens of the row that a token lies in, on average."""

    rows: int
    tokens: int
    counted: bool
    steps: int
    warmup: int
    packs: int
    longest_pack: int
    fill: float
    largest_step: int
    attended: float


@dataclass(frozen=True)
class Fit:
    """What a run takes on one kind of GPU; ``processes`` is None where up to 64 do not suffice."""

    gpu: Gpu
    processes: int | None
    hours: float
    cost: float


def rows_of(recipe: Recipe, task: Task, workspace: Workspace) -> Rows:
    """The rows of a training task: counted where its data are there, else estimated.

    Raises:
        UserError: the student or a spec cannot be read.
    """
    data = {
        role: source
        for role, source in task.inputs.items()
        if isinstance(source, OutputInput) and source.stage is not Stage.TRAIN
    }
    folders = {role: workspace.locate(source) for role, source in data.items()}
    assert isinstance(task.config, TrainConfig)
    if all(folder.is_dir() for folder in folders.values()):
        from msm.training.chat_template import load_tokenizer
        from msm.training.rows import read_training_rows
        from msm.training.student import materialise_student

        tokenizer = load_tokenizer(materialise_student(recipe.student))
        found = read_training_rows(task.config.phase, folders, tokenizer)
        return Rows(tuple(len(row.tokens) for row in found), counted=True)
    lengths: list[int] = []
    for role, source in sorted(data.items()):
        if role == "corpus":
            lengths += _documents(recipe, source.name)
        else:
            lengths += _chats(recipe, role.removeprefix("chats-"))
    longest = task.config.optimisation.maximum_length
    return Rows(tuple(min(length, longest) for length in lengths), counted=False)


def plan_run(rows: Rows, optimisation: Optimisation, seed: int) -> RunPlan:
    """The steps of a run over so many rows.

    Raises:
        UserError: a row is longer than the maximum.
    """
    lengths = rows.lengths
    plan = plan_steps(lengths, optimisation, seed)
    step_tokens = [sum(lengths[row] for pack in step for row in pack) for step in plan]
    packs = [pack for step in plan for pack in step]
    total = sum(lengths)
    return RunPlan(
        rows=len(lengths),
        tokens=sum(step_tokens),
        counted=rows.counted,
        steps=len(plan),
        warmup=warmup_steps(len(plan), optimisation.warmup),
        packs=len(packs),
        longest_pack=longest_pack(lengths, packs) if packs else 0,
        fill=fill(lengths, packs) if packs else 1.0,
        largest_step=max(step_tokens, default=0),
        attended=sum(length * length for length in lengths) / max(1, total),
    )


def setup_of(config: TrainConfig, trainer: Trainer, attended: float) -> Setup:
    """The settings that decide on time and memory."""
    return Setup(
        method=config.method,
        lora=config.lora,
        precision=config.precision,
        length=config.optimisation.maximum_length,
        attended=attended,
        zero=trainer.zero,
        offload=trainer.offload,
        checkpointing=trainer.activation_checkpointing,
    )


def fits(shape: Shape, setup: Setup, tokens: int, trainer: Trainer) -> list[Fit]:
    """What a run over so many tokens takes on each GPU, or on the one that the recipe names."""
    gpus = [gpu_named(trainer.gpu)] if trainer.gpu else list(GPUS.values())
    found = []
    for gpu in gpus:
        count = processes_needed(shape, setup, gpu)
        taken = hours(shape, setup, tokens, gpu, count) if count else 0.0
        price = trainer.price or gpu.price
        found.append(Fit(gpu, count, taken, taken * (count or 0) * price))
    return found


def _documents(recipe: Recipe, corpus: str) -> list[int]:
    """The documents of a corpus that is still to be made, each of the mean length; at most."""
    task = find_task(recipe, Stage.CURATE, corpus)
    if isinstance(task.config, MixCorpusConfig):
        own = task.inputs["corpus"]
        assert isinstance(own, OutputInput)
        return _documents(recipe, own.name)
    expected = preview(recipe, corpus)
    count = max(1, expected.documents - recipe.corpus.held_out)
    return [round(expected.corpus_tokens / max(1, expected.documents))] * count


def _chats(recipe: Recipe, name: str) -> list[int]:
    """The chats of a set that is still to be made; one made from another set has its rows."""
    chats = recipe.demonstrations[name]
    if chats.kind in CHAT_TOKENS:
        return [CHAT_TOKENS[chats.kind]] * chats.count
    source = _chats(recipe, chats.of)
    return source[: chats.count] if chats.kind is DemonstrationKind.SUBSET else source
