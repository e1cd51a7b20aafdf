"""The adapter that is trained: a fresh one, an earlier phase's continued, or one on top of it.

What is trained is kept in fp32, on frozen weights of any number format.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

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


def save_adapter(model: Any, folder: Path) -> None:
    """Write the adapter as safetensors with its config; names no path of this machine.

    One on top of an earlier one is joined with it: side by side, their ranks added, they are one
    adapter that does exactly what both did.
    """
    model.save_pretrained(str(folder), safe_serialization=True, selected_adapters=[TRAINED])
    (folder / "README.md").unlink(missing_ok=True)
    path = folder / ADAPTER_CONFIG
    config = json.loads(path.read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = None
    config["target_modules"] = sorted(config["target_modules"])
    if EARLIER in model.peft_config:
        _join(model, folder / ADAPTER_FILE, config)
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


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


def _join(model: Any, file: Path, config: dict[str, Any]) -> None:
    """Lay the earlier adapter's ranks before the trained ones.

    An adapter adds scale x B A; that of both is [B1 B2] [A1; A2] if they have one scale, so the
    earlier B takes up the ratio of the scales.
    """
    earlier = model.peft_config[EARLIER]
    ratio = (earlier.lora_alpha / earlier.r) / (config["lora_alpha"] / config["r"])
    trained, joined = load_file(file), {}
    weights = dict(model.named_parameters())
    for key, tensor in trained.items():
        before = weights[key.replace(".weight", f".{EARLIER}.weight")].detach().float()
        first_rank = ".lora_A." in key
        first = before if first_rank else before * ratio
        joined[key] = torch.cat([first, tensor], dim=0 if first_rank else 1).contiguous()
    save_file(joined, file, metadata={"format": "pt"})
    config["lora_alpha"] *= 1 + earlier.r / config["r"]
    config["r"] += earlier.r


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
