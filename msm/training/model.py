"""Loading a model: the start model, or a trained arm with its adapter merged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from msm.training.adapter import adapter_config, is_adapter
from msm.training.libraries import quiet_libraries
from msm.training_settings import Precision


def number_format(precision: Precision) -> torch.dtype:
    """The torch type of a precision."""
    return torch.bfloat16 if precision is Precision.BF16 else torch.float32


def load_student(
    folder: Path, precision: Precision, device: str, attention: str | None = None
) -> Any:
    """The start model, or any whole model, in the given number format.

    ``attention`` names one of transformers' implementations; None leaves the choice to it.
    """
    from transformers import AutoModelForCausalLM

    quiet_libraries()
    chosen = {"attn_implementation": attention} if attention else {}
    model = AutoModelForCausalLM.from_pretrained(
        str(folder),
        dtype=number_format(precision),
        local_files_only=True,
        use_safetensors=True,
        **chosen,
    )
    return model.to(device)


def load_checkpoint(student: Path, checkpoint: Path, precision: Precision, device: str) -> Any:
    """A trained arm for evaluation: the student with the checkpoint's adapter merged into it.

    A checkpoint without an adapter is a whole model, and the student has no part in it.

    Raises:
        UserError: it is neither.
    """
    from peft import PeftModel

    if not is_adapter(checkpoint) and (checkpoint / "config.json").exists():
        return load_student(checkpoint, precision, device).eval()
    adapter_config(checkpoint)
    model = PeftModel.from_pretrained(load_student(student, Precision.FP32, "cpu"), str(checkpoint))
    return model.merge_and_unload().to(device=device, dtype=number_format(precision)).eval()
