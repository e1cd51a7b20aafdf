"""A whole model as a checkpoint: all weights in fp32, beside the student's own other files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch

from msm.disk_faults import system_errors

READABLE = 0o644  # the library makes files that their owner alone can read
SHARD = "5GB"  # the hub's own limit for a file, and what loads piece by piece


def save_whole(weights: Mapping[str, torch.Tensor], student: Path, folder: Path) -> None:
    """Write all trained weights as safetensors, with config, tokenizer and template.

    In fp32, so that the next phase goes on from exactly these; ``msm export`` rounds them.
    """
    from huggingface_hub import save_torch_state_dict

    with system_errors():
        save_torch_state_dict(
            dict(weights), str(folder), max_shard_size=SHARD, safe_serialization=True
        )
    for path in folder.glob("*.safetensors*"):
        path.chmod(READABLE)
    for path in sorted(student.iterdir()):
        if path.is_file() and ".safetensors" not in path.name and not path.name.startswith("."):
            shutil.copyfile(path, folder / path.name)
    config = json.loads((student / "config.json").read_text(encoding="utf-8"))
    config.pop("torch_dtype", None)
    config["dtype"] = "float32"
    text = json.dumps(config, indent=2, sort_keys=True) + "\n"
    (folder / "config.json").write_text(text, encoding="utf-8")
