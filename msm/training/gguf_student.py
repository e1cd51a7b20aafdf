"""Converting a GGUF file into the folder that transformers writes: dequantised, safetensors."""

from __future__ import annotations

import json
from pathlib import Path

from msm.training.libraries import quiet_libraries


def convert_gguf(gguf: Path, folder: Path) -> None:
    """Load a GGUF through transformers, dequantise it to fp32, and save model and tokenizer.

    The loaded model itself cannot be saved: it still counts as quantised. Its weights can, in a
    new model of the same shape.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    quiet_libraries()

    loaded = AutoModelForCausalLM.from_pretrained(
        str(gguf.parent), gguf_file=gguf.name, dtype=torch.float32
    )
    config = loaded.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    plain = type(loaded)(config)
    plain.load_state_dict(loaded.state_dict())
    plain.save_pretrained(folder, safe_serialization=True)
    tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
    tokenizer.save_pretrained(folder)
    _forget_how_it_was_loaded(folder / "tokenizer_config.json")


def _forget_how_it_was_loaded(path: Path) -> None:
    """Drop what transformers notes of the loading process: it is not the tokenizer's."""
    config = json.loads(path.read_text(encoding="utf-8"))
    config.pop("local_files_only", None)
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
