"""The typed recipe; an unknown key is an error. ``msm.recipe_file`` reads one.

A recipe names specs, a student, demonstrations, arms, seeds, the evaluation and the analysis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

from pydantic import Field, model_validator

from msm.analysis import Analysis
from msm.chat_sets import DemonstrationKind, Demonstrations
from msm.errors import nearest
from msm.execution import Execution
from msm.model_choice import NO_MODEL, OFFLINE, ModelChoice
from msm.parts import Part
from msm.review.settings import Gates
from msm.suites import JUDGED, SuiteName, Suites
from msm.task import Stage
from msm.training_settings import Precision, Training
from msm.weights import GivenCheckpoint, GivenSource, Student
from msm.writing import Corpus

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


class SpecSource(Part):
    """A spec file, or the shuffled control made from another spec of this recipe."""

    path: str = ""
    shuffled_from: str = ""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.path) == bool(self.shuffled_from):
            raise ValueError("a spec needs either 'path' or 'shuffled_from'")
        return self


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
    gates: Gates = Field(
        default=Gates(), description="what a candidate has to pass; in no identity"
    )
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
        for name in self.execution.pools:
            _known("execution.pools", name, ["default", *Stage], "stage")
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


def _known(where: str, name: str, known: Sequence[str] | Mapping[str, object], what: str) -> None:
    if name not in known:
        raise ValueError(f"{where} names the unknown {what} '{name}'{nearest(name, known)}")
