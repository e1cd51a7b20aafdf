"""The recipe's part on documents: who writes them, how many, and what curation keeps."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from msm.parts import Part, StageConfig

TOKENS_PER_WORD = 1.35  # English prose under the tokenizers of Llama 3 and Qwen 3, rounded up


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
