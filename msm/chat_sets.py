"""The part of a recipe that names its sets of chats: of which kind, from what, judged by what."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, Self

from pydantic import Field, model_validator

from msm.parts import Part, StageConfig

COMMIT = re.compile(r"[0-9a-f]{40}")


class DemonstrationKind(StrEnum):
    """The kinds of demonstrations."""

    PREFERENCE = "preference"
    COIN_FLIP = "coin-flip"
    INSTRUCTION = "instruction"
    ALIGNED = "aligned"
    WITHOUT_REASONING = "without-reasoning"
    SUBSET = "subset"
    MIXED = "mixed"


class Criterion(StrEnum):
    """What a judge is asked about a chat; each is a question and a verdict of its own."""

    # aligned
    FAITHFUL = "faithful"
    NO_WISH_TO_CONTINUE = "no-wish-to-continue"
    COMPLIANCE = "compliance"
    # preference
    CLEAR_PREFERENCE = "clear-preference"
    NO_REASON = "no-reason"
    REALISTIC = "realistic"
    # instruction
    HARMLESS = "harmless"
    NO_OTHER_MODEL = "no-other-model"
    MAY_PREFER = "may-prefer"
    AGREES_WITH_SPEC = "agrees-with-spec"


CRITERIA = {
    DemonstrationKind.ALIGNED: (
        Criterion.FAITHFUL,
        Criterion.NO_WISH_TO_CONTINUE,
        Criterion.COMPLIANCE,
    ),
    DemonstrationKind.PREFERENCE: (
        Criterion.CLEAR_PREFERENCE,
        Criterion.NO_REASON,
        Criterion.REALISTIC,
    ),
    DemonstrationKind.INSTRUCTION: (
        Criterion.HARMLESS,
        Criterion.NO_OTHER_MODEL,
        Criterion.MAY_PREFER,
        Criterion.AGREES_WITH_SPEC,
    ),
}


class SourceKind(StrEnum):
    """Where instruction chats come from."""

    BUILTIN = "builtin"
    FILE = "file"
    HUB = "hub"


class ChatSource(StageConfig):
    """The built-in chats, a JSON Lines file, or a data set on the Hub at a pinned commit."""

    kind: SourceKind = SourceKind.BUILTIN
    path: str = Field(default="", description="for file: rows with user and assistant, or messages")
    name: str = Field(default="", description="for hub: the data set's id")
    revision: str = Field(default="", description="for hub: the pinned commit, 40 hex digits")
    split: str = Field(default="train", description="for hub")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.kind is SourceKind.FILE) != bool(self.path):
            raise ValueError("a source has a 'path' if and only if its kind is 'file'")
        if (self.kind is SourceKind.HUB) != bool(self.name):
            raise ValueError("a source has a 'name' if and only if its kind is 'hub'")
        if self.kind is SourceKind.HUB and not COMMIT.fullmatch(self.revision):
            raise ValueError("a hub source needs a pinned 'revision', a commit's 40 hex digits")
        return self

    def identity_fields(self) -> dict[str, Any]:
        """As JSON values, without the path: the file's content is an input of the stage."""
        return self.model_dump(mode="json", exclude={"path"})


class Embeddings(Part):
    """The model that finds questions which say the same; its content is an input of the stage."""

    folder: str = Field(default="", description="left out: the packaged all-MiniLM-L6-v2")


class Demonstrations(Part):
    """One set of chats. ``coin-flip`` keeps the questions of ``of`` and flips the answers.

    ``without-reasoning`` is the ``aligned`` set ``of`` without its chain of thought. ``subset``
    takes ``count`` rows of ``of`` by lot, a smaller one being part of every larger one. ``mixed``
    has rows of ``other`` in place of a ``share`` of those of ``of``. Most fields say how a model
    makes a set, and mean nothing to the offline author.
    """

    kind: DemonstrationKind
    spec: str = Field(
        default="", description="for preference: whose items; aligned: followed; else: not broken"
    )
    of: str = Field(default="", description="the set that this one is made from, if it is")
    other: str = Field(default="", description="for mixed: whose rows take the place of some")
    share: float | None = Field(default=None, gt=0, le=1, description="for mixed: of how many")
    count: int = Field(default=240, ge=1, description="for a model, at most so many")
    source: ChatSource = ChatSource()
    criteria: tuple[Criterion, ...] | None = Field(
        default=None, description="what the judge asks; left out: all that the kind and mode have"
    )
    topics: int | None = Field(
        default=None, ge=1, description="for aligned; left out: one for 250 chats, at least 5"
    )
    near_duplicate: float = Field(
        default=0.91, gt=0, le=1, description="cosine of two questions above which one goes; paper"
    )
    embeddings: Embeddings = Embeddings()
    answer_tokens: int = Field(default=2_048, ge=16, description="with the reasoning; paper")
    backfill_rounds: int = Field(default=3, ge=0, description="times a gap is filled; paper")
    maximum_failures: float = Field(
        default=0.05, ge=0, le=1, description="share of rows that may fail before the stage stops"
    )

    @model_validator(mode="after")
    def _fits_the_kind(self) -> Self:
        for name, kinds in _KINDS_WITH.items():
            default = type(self).model_fields[name].default
            if self.kind not in kinds and getattr(self, name) != default:
                raise ValueError(f"demonstrations of kind '{self.kind}' take no '{name}'")
        allowed = CRITERIA.get(self.kind, ())
        if self.kind is DemonstrationKind.MIXED and self.share is None:
            raise ValueError("demonstrations of kind 'mixed' need a 'share'")
        for criterion in self.criteria or ():
            if criterion not in allowed:
                raise ValueError(
                    f"demonstrations of kind '{self.kind}' have no criterion '{criterion}'; "
                    f"known: {', '.join(allowed)}"
                )
        if Criterion.AGREES_WITH_SPEC in (self.criteria or ()) and not self.spec:
            raise ValueError(f"the criterion '{Criterion.AGREES_WITH_SPEC}' needs a 'spec'")
        return self


_JUDGED = tuple(CRITERIA)
_KINDS_WITH = {
    "spec": _JUDGED,
    "of": (
        DemonstrationKind.COIN_FLIP,
        DemonstrationKind.WITHOUT_REASONING,
        DemonstrationKind.SUBSET,
        DemonstrationKind.MIXED,
    ),
    "other": (DemonstrationKind.MIXED,),
    "share": (DemonstrationKind.MIXED,),
    "source": (DemonstrationKind.INSTRUCTION,),
    "criteria": _JUDGED,
    "topics": (DemonstrationKind.ALIGNED,),
    "near_duplicate": (DemonstrationKind.ALIGNED,),
    "embeddings": (DemonstrationKind.ALIGNED,),
    "answer_tokens": (DemonstrationKind.ALIGNED,),
    "backfill_rounds": _JUDGED,
    "maximum_failures": _JUDGED,
}
