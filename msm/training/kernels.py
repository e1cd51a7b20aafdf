"""Which kernels and which savings of memory are in use; each is on or off, and said to be."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import torch

from msm.errors import UserError
from msm.execution import Attention, Trainer
from msm.training.activations import checkpoint_activations
from msm.training.attention import SEGMENTS, use_segments
from msm.training_settings import Precision

FLASH = "flash_attention_2"  # transformers' name; computes packs of several rows by itself
SDPA = "sdpa"


def choose_attention(trainer: Trainer, precision: Precision, device: str) -> str:
    """The attention that a model is loaded with: flash attention where it can be had.

    Raises:
        UserError: flash attention is asked for, and there is none.
    """
    missing = _why_no_flash(precision, device)
    if trainer.attention is Attention.FLASH and missing:
        raise UserError(f"execution.trainer.attention is flash, but {missing}; set it to auto")
    wanted = trainer.attention is not Attention.SDPA
    return FLASH if wanted and not missing else SDPA


def use_kernels(model: Any, trainer: Trainer, attention: str, device: str) -> dict[str, str]:
    """Switch on what is asked for and there; returns each kernel's name or "off".

    Raises:
        UserError: the architecture has no activation checkpointing.
    """
    if attention != FLASH and use_segments(model):
        attention = SEGMENTS
        if device.startswith("cuda"):
            # torch prefers cuDNN's kernel on an H100, which plans anew for each length of a row.
            torch.backends.cuda.enable_cudnn_sdp(False)
    liger = liger_wanted(trainer, device) and _use_liger(model)
    if trainer.activation_checkpointing:
        checkpoint_activations(model)
    return {
        "attention": attention,
        "liger": "on" if liger else "off",
        "activation_checkpointing": "on" if trainer.activation_checkpointing else "off",
    }


def liger_wanted(trainer: Trainer, device: str) -> bool:
    """Whether Liger's kernels are asked for and installed, on a device that has them."""
    on_gpu = device.startswith("cuda")
    return trainer.liger and on_gpu and find_spec("liger_kernel") is not None


def _why_no_flash(precision: Precision, device: str) -> str:
    if not device.startswith("cuda"):
        return f"{device} has none"
    if precision is not Precision.BF16:
        return "it computes in bf16 alone"
    from transformers.utils import is_flash_attn_2_available

    return "" if is_flash_attn_2_available() else "the package flash-attn is not installed"


def _use_liger(model: Any) -> bool:
    """Liger's kernels of norms, rotary positions and gated projections, if they fit the model.

    Its cross entropy is left out: ``msm.training.loss`` never makes the logits that it saves.
    """
    from liger_kernel.transformers import monkey_patch

    known = monkey_patch.MODEL_TYPE_TO_APPLY_LIGER_FN
    if model.config.model_type not in known:
        return False
    monkey_patch._apply_liger_kernel_to_instance(
        model=model, cross_entropy=False, fused_linear_cross_entropy=False
    )
    return True
