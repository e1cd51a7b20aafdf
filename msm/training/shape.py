"""A model's shape, from its config alone: parameters and widths, without a weight in memory."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msm.errors import UserError
from msm.training_settings import Lora

_LAYER = re.compile(r"(?:^|\.)layers\.(\d+)\.")


@dataclass(frozen=True)
class Projection:
    """A linear map of one layer: its name, and how many numbers go in and come out."""

    name: str
    inputs: int
    outputs: int


@dataclass(frozen=True)
class Shape:
    """What estimates need of a dense decoder. All layers are alike.

    ``parameters`` counts a tied embedding once. ``head`` is the map from the last hidden state to
    the vocabulary, which is computed whether it is tied or not.
    """

    parameters: int
    layers: int
    hidden: int
    vocabulary: int
    projections: tuple[Projection, ...]

    @property
    def layer_linear(self) -> int:
        """Weights of one layer's linear maps."""
        return sum(each.inputs * each.outputs for each in self.projections)

    @property
    def head(self) -> int:
        """Weights of the map to the vocabulary."""
        return self.vocabulary * self.hidden

    def width(self, name: str) -> int:
        """How many numbers a projection gives for a token."""
        return next(each.outputs for each in self.projections if each.name == name)

    def adapter(self, lora: Lora) -> int:
        """Parameters of an adapter: ``rank * (inputs + outputs)`` for each projection."""
        each = sum(each.inputs + each.outputs for each in self.projections)
        return lora.rank * each * max(0, self.layers - lora.first_layer)


def read_shape(folder: Path) -> Shape:
    """The shape of the model in a folder, from its ``config.json``.

    Raises:
        UserError: there is none, or transformers does not know that kind of model.
    """
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); give the student's folder") from None
    return shape_of(config)


def shape_of(config: Mapping[str, Any]) -> Shape:
    """The shape that the content of a ``config.json`` describes.

    The model is built on torch's meta device, so its parameters are counted and not estimated.

    Raises:
        UserError: transformers does not know the model, or it is no dense decoder with the usual
            seven projections.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from msm.training.adapter import PROJECTIONS
    from msm.training.libraries import quiet_libraries

    quiet_libraries()
    kind = str(config.get("model_type", ""))
    given = {key: value for key, value in config.items() if key != "model_type"}
    given.pop("quantization_config", None)
    try:
        full = AutoConfig.for_model(kind, **given)
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(full)
    except (KeyError, TypeError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"the student's config.json describes no known model ({first})") from None
    text = full.get_text_config()
    first_layer = {
        name.rpartition(".")[2]: module
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
        and (found := _LAYER.search(name))
        and found.group(1) == "0"
    }
    if any(name not in first_layer for name in PROJECTIONS):
        raise UserError(
            f"a model of type '{kind}' has not the seven projections {', '.join(PROJECTIONS)}; "
            "only dense decoders of the kind of Llama, Qwen and Gemma can be trained"
        )
    return Shape(
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        layers=text.num_hidden_layers,
        hidden=text.hidden_size,
        vocabulary=text.vocab_size,
        projections=tuple(
            Projection(name, module.in_features, module.out_features)
            for name, module in first_layer.items()
        ),
    )
