"""What a trainer holds at one step: enough to go on from there, on any number of processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Trained:
    """Whole tensors, on the CPU and in fp32, however many processes share the work.

    ``weights`` are the trained parameters by the name that the model gives them. ``moments`` are
    AdamW's running means by the same name, ``exp_avg`` and ``exp_avg_sq``; ``updates`` is how many
    steps AdamW has taken.
    """

    weights: Mapping[str, torch.Tensor]
    moments: Mapping[str, Mapping[str, torch.Tensor]]
    updates: int
