"""The adapter that is trained: a fresh one, an earlier phase's continued, or one on top of it.

What is trained is kept in fp32, on frozen weights of any number format.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from msm.disk_faults import system_errors
from msm.errors import UserError
from msm.training_settings import AdapterStart, Lora

PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
ADAPTER_FILE = "adapter_model.safetensors"
ADAPTER_CONFIG = "adapter_config.json"
TRAINED, EARLIER = "default", "earlier"  # PEFT's names of the adapters in the model


def with_adapter(
    student: Any,
    lora: Lora,
    checkpoint: Path | None,
    seed: int,
    start: AdapterStart = AdapterStart.CONTINUED,
) -> Any:
    """Put the adapter that is to be trained on the student.

    Without a checkpoint it is fresh. With one it is the checkpoint's, or (``start``) a fresh one
    on top of the checkpoint's, which stays as it is.

    Raises:
        UserError: the checkpoint has no adapter, or one of another shape than the recipe's.
    """
    from peft import PeftModel

    torch.manual_seed(seed % 2**63)
    if checkpoint is None:
        model = _fresh(student, lora)
    elif start is AdapterStart.CONTINUED:
        _check_shape(checkpoint, lora)
        model = PeftModel.from_pretrained(student, str(checkpoint), is_trainable=True)
    else:
        model = _fresh(student, lora)
        _check_places(checkpoint, model)
        model.load_adapter(str(checkpoint), adapter_name=EARLIER)
        model.base_model.set_adapter([EARLIER, TRAINED])
        for name, parameter in model.named_parameters():
            if f".{EARLIER}." in name:
                parameter.requires_grad_(False)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return model


def save_adapter(
    model: Any, folder: Path, weights: Mapping[str, torch.Tensor], earlier: Path | None = None
) -> None:
    """Write the adapter as safetensors with its config, as PEFT does; names no path of a machine.

    Args:
        model: with the adapter that was trained.
        folder: made if it is not there.
        weights: the trained ones in fp32 by the model's own names, which the model itself may
            hold rounded, or in part.
        earlier: the checkpoint whose adapter the trained one lies on. They are joined: side by
            side, their ranks added, they are one adapter that does exactly what both did.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = model.peft_config[TRAINED].to_dict()
    config |= {"base_model_name_or_path": None, "inference_mode": True}
    config["target_modules"] = sorted(config["target_modules"])
    named = {name.replace(f".{TRAINED}.", "."): tensor for name, tensor in weights.items()}
    if earlier is not None:
        named = _joined(named, earlier, config)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in named.items()}
    with system_errors():
        save_file(tensors, folder / ADAPTER_FILE, metadata={"format": "pt"})
    text = json.dumps(config, indent=2, sort_keys=True, default=str) + "\n"
    (folder / ADAPTER_CONFIG).write_text(text, encoding="utf-8")


def trained_weights(model: Any) -> dict[str, torch.Tensor]:
    """The trained weights as the model itself holds them, by its own names."""
    return {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}


def is_adapter(checkpoint: Path) -> bool:
    """Whether a checkpoint's folder holds an adapter, as opposed to a whole model."""
    return (checkpoint / ADAPTER_CONFIG).exists()


def adapter_config(checkpoint: Path) -> dict[str, Any]:
    """The adapter's config.

    Raises:
        UserError: the folder holds no adapter, or only half of one.
    """
    path = checkpoint / ADAPTER_CONFIG
    if not path.exists() or not (checkpoint / ADAPTER_FILE).exists():
        raise UserError(f"checkpoint {checkpoint} has no {ADAPTER_FILE}; train it again")
    config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return config


def _fresh(student: Any, lora: Lora) -> Any:
    from peft import LoraConfig, get_peft_model

    return get_peft_model(
        student,
        LoraConfig(
            r=lora.rank,
            lora_alpha=lora.alpha,
            lora_dropout=0.0,
            target_modules=list(PROJECTIONS),
            layers_to_transform=list(range(lora.first_layer, student.config.num_hidden_layers)),
            task_type="CAUSAL_LM",
        ),
    )


def _joined(
    trained: Mapping[str, torch.Tensor], checkpoint: Path, config: dict[str, Any]
) -> dict[str, torch.Tensor]:
    """Lay the earlier adapter's ranks before the trained ones, and change the config to match.

    An adapter adds scale x B A; that of both is [B1 B2] [A1; A2] if they have one scale, so the
    earlier B takes up the ratio of the scales.
    """
    earlier = adapter_config(checkpoint)
    ratio = (earlier["lora_alpha"] / earlier["r"]) / (config["lora_alpha"] / config["r"])
    before = load_file(checkpoint / ADAPTER_FILE)
    joined = {}
    for name, tensor in trained.items():
        first_rank = ".lora_A." in name
        first = before[name].float() if first_rank else before[name].float() * ratio
        joined[name] = torch.cat([first, tensor.cpu()], dim=0 if first_rank else 1)
    config["lora_alpha"] *= 1 + earlier["r"] / config["r"]
    config["r"] += earlier["r"]
    return joined


def _check_places(checkpoint: Path, model: Any) -> None:
    config, own = adapter_config(checkpoint), model.peft_config[TRAINED]
    layers = config["layers_to_transform"]
    if set(config["target_modules"]) != set(own.target_modules) or (
        layers is not None and set(layers) != set(own.layers_to_transform)
    ):
        raise UserError(
            f"checkpoint {checkpoint} has an adapter on other layers or projections than the "
            "recipe's; a fresh adapter goes on the same ones: set training.lora.first_layer"
        )


def _check_shape(checkpoint: Path, lora: Lora) -> None:
    config = adapter_config(checkpoint)
    if (config["r"], config["lora_alpha"]) != (lora.rank, lora.alpha):
        raise UserError(
            f"checkpoint {checkpoint} has an adapter of rank {config['r']}, alpha "
            f"{config['lora_alpha']}; the recipe asks for {lora.rank}, {lora.alpha}"
        )
