"""The config of each stage: what it is to make, and nothing about how."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msm.analysis import Analysis
from msm.chat_sets import ChatSource, Criterion, DemonstrationKind
from msm.model_choice import ModelChoice
from msm.parts import StageConfig
from msm.suites import SuiteName, SuiteSettings
from msm.training_settings import AdapterStart, Lora, Method, Optimisation, Precision
from msm.weights import GivenCheckpoint, Student
from msm.writing import Budget, Corpus, Outline


class PlanConfig(StageConfig):
    """Plan ``documents`` rows. ``shuffle_seed`` turns the spec into its shuffled control first.

    ``outline`` is None for the offline author, which plans from the spec's own structure. How many
    failures are borne (``maximum_failures``) changes no output, so it is in no identity.
    """

    assistant: str
    provider: str
    author: ModelChoice
    documents: int
    outline: Outline | None
    maximum_failures: float
    shuffle_seed: int | None
    seed: int

    def identity_fields(self) -> dict[str, Any]:
        """The fields as JSON values; without the gate, and the author without its folder."""
        fields = super().identity_fields()
        del fields["maximum_failures"]
        return {**fields, "author": self.author.identity_fields()}


class WriteConfig(StageConfig):
    """Write one document for each planned row; ``budget`` is None for the offline author."""

    assistant: str
    provider: str
    author: ModelChoice
    minimum_words: int
    maximum_words: int
    budget: Budget | None
    maximum_failures: float
    shuffle_seed: int | None
    seed: int

    def identity_fields(self) -> dict[str, Any]:
        """The fields as JSON values; without the gate, and the author without its folder."""
        fields = super().identity_fields()
        del fields["maximum_failures"]
        return {**fields, "author": self.author.identity_fields()}


class CurateConfig(StageConfig):
    """Filter documents; ``corpus`` holds the thresholds.

    ``judge`` is None unless a judge is to compare each document with its spec, which is then an
    input.
    """

    assistant: str
    provider: str
    corpus: Corpus
    judge: ModelChoice | None = None
    shuffle_seed: int | None = None

    def identity_fields(self) -> dict[str, Any]:
        """The fields as JSON values, without what only planning and writing read."""
        elsewhere = {"documents", "outline", "budget", "maximum_failures"}
        return {
            **super().identity_fields(),
            "corpus": self.corpus.model_dump(mode="json", exclude=elsewhere),
            "judge": self.judge.identity_fields() if self.judge else None,
        }


class MixCorpusConfig(StageConfig):
    """Put documents of one curated corpus in place of a ``share`` of another's, by lot."""

    share: float
    seed: int


class ChatsByModel(StageConfig):
    """How models make and judge a set of chats.

    ``author`` is None for instruction chats, which are only judged; ``criteria`` None stands for
    all that the set's kind and its spec's mode have.
    """

    author: ModelChoice | None
    judge: ModelChoice
    criteria: tuple[Criterion, ...] | None
    topics: int | None
    near_duplicate: float
    answer_tokens: int
    backfill_rounds: int
    maximum_failures: float

    def identity_fields(self) -> dict[str, Any]:
        """The fields as JSON values; the models without their folders, which are inputs."""
        return {
            **super().identity_fields(),
            "author": self.author.identity_fields() if self.author else None,
            "judge": self.judge.identity_fields(),
        }


class DemonstrateConfig(StageConfig):
    """Make one set of chats.

    Who the chats are about is given where a chat may say it, ``source`` for instruction chats, and
    ``models`` where a model takes part, so that no other set's identity depends on them.
    """

    kind: DemonstrationKind
    count: int
    seed: int
    assistant: str = ""
    provider: str = ""
    shuffle_seed: int | None = None
    source: ChatSource | None = None
    models: ChatsByModel | None = None
    share: float | None = None

    def identity_fields(self) -> dict[str, Any]:
        """The fields as JSON values, without paths; the share of a mixed set alone."""
        fields = super().identity_fields()
        if self.share is None:
            del fields["share"]
        return {
            **fields,
            "source": self.source.identity_fields() if self.source else None,
            "models": self.models.identity_fields() if self.models else None,
        }


class Phase(StrEnum):
    """A training phase: plain text with loss on every token, or chats with loss on answers."""

    DOCUMENTS = "documents"
    CHATS = "chats"


class TrainConfig(StageConfig):
    """One training phase, which goes on from the checkpoint it is given, if any."""

    phase: Phase
    method: Method = Method.LORA
    adapter: AdapterStart = AdapterStart.CONTINUED
    optimisation: Optimisation
    lora: Lora
    precision: Precision
    seed: int


class EvaluateConfig(StageConfig):
    """Score a checkpoint on the held-out pairs and on the in-domain items."""

    precision: Precision
    batch_size: int


class SuiteConfig(StageConfig):
    """Put one suite to a model. ``judge`` is None for a suite that needs none.

    ``version`` is the suite's own, of what its prompts do not show: rubrics, rules, readings.
    ``served`` is given for a model that only a server has.
    """

    suite: SuiteName
    version: int
    settings: SuiteSettings
    assistant: str
    provider: str
    precision: Precision
    batch_size: int
    seed: int
    judge: ModelChoice | None = None
    served: GivenCheckpoint | None = None

    def identity_fields(self) -> dict[str, Any]:
        """The fields as JSON values, without files and folders, which are inputs."""
        return {
            **super().identity_fields(),
            "settings": self.settings.identity_fields(),
            "judge": self.judge.identity_fields() if self.judge else None,
            "served": self.served.identity_fields() if self.served else None,
        }


class ArmResult(StageConfig):
    """Which arm, spec and seed a set of scores belongs to (``spec`` is empty without documents)."""

    arm: str
    spec: str
    seed: int


class SuiteResult(ArmResult):
    """Which arm, spec and seed a folder of a suite's measurements belongs to."""

    suite: str


class ReportConfig(StageConfig):
    """The analysis over all scores; ``results`` says what each input role holds.

    ``order`` is the order in which the report shows them: a mapping's own is in no identity.
    ``suites`` and ``suite_order`` say the same of the folders of measurements, whose input roles
    are these keys behind ``suite:``.
    """

    experiment: str
    summary: str
    assistant: str
    specs: tuple[str, ...]
    order: tuple[str, ...]
    results: Mapping[str, ArmResult]
    analysis: Analysis
    suites: Mapping[str, SuiteResult] = {}
    suite_order: tuple[str, ...] = ()

    def identity_fields(self) -> dict[str, Any]:
        """The fields as JSON values; without the suites' where there are none."""
        fields = {**super().identity_fields(), "analysis": self.analysis.identity_fields()}
        if not self.suites:
            del fields["suites"], fields["suite_order"]
        return fields


class RegisterConfig(StageConfig):
    """What to log and which arm to register; ``results`` and ``suites`` map outputs to their arm.

    ``start`` is the start model as the recipe names it, for those who load the registered model;
    ``student`` is how a person names it.
    """

    experiment: str
    model: str
    arm: str
    assistant: str
    student: str
    start: Student
    results: Mapping[str, ArmResult]
    suites: Mapping[str, SuiteResult] = {}

    def identity_fields(self) -> dict[str, Any]:
        """As JSON values; a start model in a folder counts by its content, which is no part here.

        The checkpoints' records have that content's digest.
        """
        fields = super().identity_fields()
        return {**fields, "start": self.start.portable().model_dump(mode="json")}
