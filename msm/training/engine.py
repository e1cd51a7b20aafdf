"""What the training loop asks of whatever holds the model and steps the optimiser."""

from __future__ import annotations

from typing import Any, Protocol

import torch

from msm.training.trained import Trained


class Engine(Protocol):
    """One process with plain torch, or one of many with DeepSpeed. All calls are collective."""

    @property
    def model(self) -> Any:
        """What is called for logits."""
        ...

    def backward(self, loss: torch.Tensor, last: bool) -> None:
        """Add this process's gradient of a part of a step's loss; ``last`` part of the step.

        The loss is a sum over this process's tokens, already divided by the number of tokens that
        count in the whole step, over all processes.
        """
        ...

    def step(self, learning_rate: float) -> float:
        """Clip, update and clear the gradients; returns their norm before clipping."""
        ...

    def state(self) -> Trained | None:
        """The state to be kept; on the first process, None on the others."""
        ...

    def load(self, state: Trained | None) -> None:
        """Go on from a state; the first process has it, the others get it from there."""
        ...
