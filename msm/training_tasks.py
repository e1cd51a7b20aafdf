"""The tasks that train an arm: one for each phase, and shared as far as arms begin alike."""

from __future__ import annotations

from dataclasses import dataclass

from msm.configs import ArmResult, MixCorpusConfig, Phase, TrainConfig
from msm.recipe import DOCUMENTS, Arm, CorpusMix, Recipe
from msm.task import Input, OutputInput, Stage, StudentInput, Task, arm_label


@dataclass(frozen=True)
class Chain:
    """What a checkpoint was trained on, one phase after another, whichever arm asked for it.

    ``spec`` and ``mix`` are empty as long as no documents were read.
    """

    phases: tuple[str, ...]
    spec: str
    mix: CorpusMix | None

    @property
    def label(self) -> str:
        """A name for a checkpoint that no arm ends with."""
        mixed = mix_label(self.mix) if self.mix else ""
        return ".".join(f"{phase}{mixed}" if phase == DOCUMENTS else phase for phase in self.phases)


def corpus_name(spec: str, mix: CorpusMix | None, seed: int) -> str:
    """The name of the corpus on a spec, as it is or mixed with another."""
    return arm_label("", f"{spec}{mix_label(mix)}" if mix else spec, seed)


def mix_label(mix: CorpusMix) -> str:
    """What a name has of a mix: ``+10-opposite`` for a share of 10 per cent."""
    return f"+{f'{100 * mix.share:.6f}'.rstrip('0').rstrip('.')}-{mix.spec}"


def mix_task(spec: str, mix: CorpusMix, seed: int) -> Task:
    """The mixing of two corpora that are curated."""
    return Task(
        Stage.CURATE,
        corpus_name(spec, mix, seed),
        MixCorpusConfig(share=mix.share, seed=seed),
        {
            "corpus": OutputInput(Stage.CURATE, corpus_name(spec, None, seed)),
            "other": OutputInput(Stage.CURATE, corpus_name(mix.spec, None, seed)),
        },
    )


def training_tasks(recipe: Recipe, name: str, spec: str, seed: int) -> list[tuple[Task, ArmResult]]:
    """The phases of one arm, each with whose checkpoint it makes.

    The last is the arm's own. One before it is the checkpoint of whichever arm ends there, and if
    there is none, it is named for the chain of phases so far.
    """
    arm = recipe.arms[name]
    whole = _arms(recipe, seed)
    found: list[tuple[Task, ArmResult]] = []
    for index, phase in enumerate(recipe.phases(arm, spec)):
        chain = _chain(recipe, arm, spec, index + 1)
        if index == len(arm.phases) - 1:
            result = ArmResult(arm=name, spec=spec, seed=seed)
        else:
            result = whole.get(chain) or ArmResult(arm=chain.label, spec=chain.spec, seed=seed)
        before = found[-1][0].name if found else None
        label = arm_label(result.arm, result.spec, seed)
        found.append((_phase(recipe, label, phase, chain, seed, before), result))
    return found


def _chain(recipe: Recipe, arm: Arm, spec: str, length: int) -> Chain:
    phases = recipe.phases(arm, spec)[:length]
    read = DOCUMENTS in phases
    return Chain(phases, spec if read else "", arm.mix if read else None)


def _arms(recipe: Recipe, seed: int) -> dict[Chain, ArmResult]:
    """The chain of every whole arm; of two that are trained alike, the first."""
    found: dict[Chain, ArmResult] = {}
    for name, arm in recipe.arms.items():
        for spec in arm.specs or ("",):
            chain = _chain(recipe, arm, spec, len(arm.phases))
            found.setdefault(chain, ArmResult(arm=name, spec=spec, seed=seed))
    return found


def _phase(
    recipe: Recipe, label: str, phase: str, chain: Chain, seed: int, before: str | None
) -> Task:
    inputs: dict[str, Input] = {"student": StudentInput()}
    if before is not None:
        inputs["checkpoint"] = OutputInput(Stage.TRAIN, before)
    if phase == DOCUMENTS:
        corpus = corpus_name(chain.spec, chain.mix, seed)
        inputs["corpus"] = OutputInput(Stage.CURATE, corpus)
        optimisation, kind = recipe.training.documents, Phase.DOCUMENTS
    else:
        for role in dict.fromkeys((phase, recipe.training.instruction_mix)):
            inputs[f"chats-{role}"] = OutputInput(Stage.DEMONSTRATE, arm_label(role, "", seed))
        optimisation, kind = recipe.training.chats, Phase.CHATS
    config = TrainConfig(
        phase=kind,
        method=recipe.training.method,
        adapter=recipe.training.adapter,
        optimisation=optimisation,
        lora=recipe.training.lora,
        precision=recipe.training.precision,
        seed=seed,
    )
    return Task(Stage.TRAIN, label, config, inputs)
