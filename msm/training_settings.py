"""What a recipe says about training; all of it is part of a checkpoint's identity."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from msm.parts import Part


class Optimisation(Part):
    """AdamW with linear warm-up and cosine decay (paper, appendix B.4, but for the batch size).

    Rows are packed into sequences of at most ``maximum_length`` tokens. Packing changes nothing
    about the number of optimiser steps: that is rows over ``batch_size``, whatever their length.
    """

    learning_rate: float = Field(default=1e-4, gt=0)
    epochs: int = Field(default=1, ge=1)
    batch_size: int = Field(default=8, ge=1, description="rows in one optimiser step, on average")
    warmup: float = Field(default=0.05, ge=0, lt=1, description="share of the steps")
    weight_decay: float = Field(default=0.01, ge=0)
    maximum_length: int = Field(default=512, ge=16, description="tokens; longer rows are an error")
    packs: int = Field(
        default=0, ge=0, description="sequences in one step; 0: as few as maximum_length allows"
    )
    minimum_steps: int = Field(default=50, ge=1, description="fewer optimiser steps are refused")


class Method(StrEnum):
    """What is trained: an adapter on frozen weights, or all weights."""

    LORA = "lora"
    FULL = "full"


class AdapterStart(StrEnum):
    """Where a phase behind another one takes its adapter from.

    A fresh one is put on the student with the earlier phases' adapters merged into it.
    """

    CONTINUED = "continued"
    FRESH = "fresh"


class Lora(Part):
    """The adapter that both phases train (paper, appendix B.4: rank 64, alpha 128)."""

    rank: int = Field(default=64, ge=1)
    alpha: int = Field(default=128, ge=1)
    first_layer: int = Field(default=0, ge=0, description="layers below get no adapter")


class Precision(StrEnum):
    """Number format of the frozen weights and of the compute; what is trained is kept in fp32."""

    BF16 = "bf16"
    FP32 = "fp32"


class Training(Part):
    """How both phases are trained; one setting for all arms."""

    method: Method = Method.LORA
    adapter: AdapterStart = AdapterStart.CONTINUED
    documents: Optimisation = Optimisation()
    chats: Optimisation = Optimisation()
    lora: Lora = Lora()
    precision: Precision = Precision.BF16
    instruction_mix: str = Field(default="instruction", description="set added to every chat phase")
