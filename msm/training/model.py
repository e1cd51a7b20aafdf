"""The student with its adapter: loading, continuing, and keeping the adapter in fp32."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from msm.errors import UserError
from msm.training.libraries import quiet_libraries
from msm.training_settings import Lora, Precision

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
ADAPTER_FILE = "adapter_model.safetensors"


def load_student(folder: Path, precision: Precision, device: str) -> Any:
    """The frozen start model, in the given number format."""
    from transformers import AutoModelForCausalLM

    quiet_libraries()

    dtype = torch.bfloat16 if precision is Precision.BF16 else torch.float32
    model = AutoModelForCausalLM.from_pretrained(
        str(folder), dtype=dtype, local_files_only=True, use_safetensors=True
    )
    return model.to(device)


def with_adapter(
    student: Any, lora: Lora, checkpoint: Path | None, seed: int, trainable: bool = True
) -> Any:
    """Put an adapter on the student: the checkpoint's, to be continued, or a fresh one.

    Raises:
        UserError: the checkpoint has no adapter, or one of another shape than the recipe's.
    """
    from peft import LoraConfig, PeftModel, get_peft_model

    if checkpoint is not None:
        _check_shape(checkpoint, lora)
        model = PeftModel.from_pretrained(student, str(checkpoint), is_trainable=trainable)
    else:
        layers = range(lora.first_layer, student.config.num_hidden_layers)
        torch.manual_seed(seed % 2**63)
        model = get_peft_model(
            student,
            LoraConfig(
                r=lora.rank,
                lora_alpha=lora.alpha,
                lora_dropout=0.0,
                target_modules=list(PROJECTIONS),
                layers_to_transform=list(layers),
                task_type="CAUSAL_LM",
            ),
        )
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return model


def load_checkpoint(student: Path, checkpoint: Path, precision: Precision, device: str) -> Any:
    """A trained arm for evaluation: the student with the checkpoint's adapter merged into it.

    A checkpoint without an adapter is a whole model, and the student has no part in it.

    Raises:
        UserError: it is neither.
    """
    from peft import PeftModel

    if not is_adapter(checkpoint) and (checkpoint / "config.json").exists():
        return load_student(checkpoint, precision, device).eval()
    _adapter_config(checkpoint)
    model = PeftModel.from_pretrained(load_student(student, Precision.FP32, "cpu"), str(checkpoint))
    merged = model.merge_and_unload()
    dtype = torch.bfloat16 if precision is Precision.BF16 else torch.float32
    return merged.to(device=device, dtype=dtype).eval()


def is_adapter(checkpoint: Path) -> bool:
    """Whether a checkpoint's folder holds an adapter, as opposed to a whole model."""
    return (checkpoint / "adapter_config.json").exists()


def save_adapter(model: Any, folder: Path) -> None:
    """Write the adapter as safetensors with its config; names no path of this machine."""
    model.save_pretrained(str(folder), safe_serialization=True)
    (folder / "README.md").unlink(missing_ok=True)
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = None
    config["target_modules"] = sorted(config["target_modules"])
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _adapter_config(checkpoint: Path) -> dict[str, Any]:
    path = checkpoint / "adapter_config.json"
    if not path.exists() or not (checkpoint / ADAPTER_FILE).exists():
        raise UserError(f"checkpoint {checkpoint} has no {ADAPTER_FILE}; train it again")
    config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return config


def _check_shape(checkpoint: Path, lora: Lora) -> None:
    config = _adapter_config(checkpoint)
    if (config["r"], config["lora_alpha"]) != (lora.rank, lora.alpha):
        raise UserError(
            f"checkpoint {checkpoint} has an adapter of rank {config['r']}, alpha "
            f"{config['lora_alpha']}; the recipe asks for {lora.rank}, {lora.alpha}"
        )
