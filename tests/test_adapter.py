"""The adapter: continued, fresh on top of an earlier one, and written as one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from msm.errors import UserError
from msm.training.adapter import save_adapter, trained_weights, with_adapter
from msm.training.chat_template import load_tokenizer
from msm.training.model import load_checkpoint, load_student
from msm.training_settings import AdapterStart, Lora, Precision

LORA = Lora(rank=4, alpha=8)


def _student(folder: Path) -> Any:
    return load_student(folder, Precision.FP32, "cpu")


def _moved(model: Any, seed: int) -> Any:
    """The model with every trainable weight moved: what training does, in one step."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += 0.1 * torch.randn(parameter.shape, generator=draw)
    return model


def _logits(model: Any, folder: Path) -> torch.Tensor:
    tokens = load_tokenizer(folder)("Is water wet?", return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        logits: torch.Tensor = model.eval()(input_ids=tokens).logits
    return logits


def _saved(model: Any, folder: Path, earlier: Path | None = None) -> Path:
    folder.mkdir()
    save_adapter(model, folder, trained_weights(model), earlier)
    return folder


@pytest.mark.parametrize("lora", [LORA, Lora(rank=2, alpha=16)])
def test_a_fresh_adapter_on_an_earlier_one_is_written_as_one_that_does_both(
    tiny_student: Path, tmp_path: Path, lora: Lora
) -> None:
    first = _moved(with_adapter(_student(tiny_student), LORA, None, 1), 1)
    earlier = _saved(first, tmp_path / "first")
    both = with_adapter(_student(tiny_student), lora, earlier, 2, AdapterStart.FRESH)
    # Nothing is lost of the earlier one, and only the fresh one is trained.
    assert torch.allclose(_logits(both, tiny_student), _logits(first, tiny_student), atol=1e-5)
    assert all("earlier" not in n for n, p in both.named_parameters() if p.requires_grad)
    _moved(both, 2)
    joined = _saved(both, tmp_path / "both", earlier)
    loaded = load_checkpoint(tiny_student, joined, Precision.FP32, "cpu")
    assert not torch.allclose(_logits(both, tiny_student), _logits(first, tiny_student), atol=1e-2)
    assert torch.allclose(_logits(loaded, tiny_student), _logits(both, tiny_student), atol=1e-4)
    assert json.loads((joined / "adapter_config.json").read_text())["r"] == LORA.rank + lora.rank
    third = with_adapter(_student(tiny_student), lora, joined, 3, AdapterStart.FRESH)
    assert torch.allclose(_logits(third, tiny_student), _logits(both, tiny_student), atol=1e-4)


def test_a_continued_adapter_is_the_same_one(tiny_student: Path, tmp_path: Path) -> None:
    first = _moved(with_adapter(_student(tiny_student), LORA, None, 1), 1)
    again = with_adapter(_student(tiny_student), LORA, _saved(first, tmp_path / "first"), 2)
    assert torch.equal(_logits(again, tiny_student), _logits(first, tiny_student))


def test_a_fresh_adapter_on_other_layers_is_refused(tiny_student: Path, tmp_path: Path) -> None:
    first = with_adapter(_student(tiny_student), LORA, None, 1)
    earlier = _saved(first, tmp_path / "first")
    upper = LORA.model_copy(update={"first_layer": 1})
    with pytest.raises(UserError, match="first_layer"):
        with_adapter(_student(tiny_student), upper, earlier, 2, AdapterStart.FRESH)
