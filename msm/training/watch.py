"""What is watched while a model trains: a loss that is no number, or that jumps, ends the run."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from msm.errors import UserError

HISTORY = 20  # steps whose losses a new one is compared with


@dataclass
class LossWatch:
    """Follows a run's loss. A step that it refuses must not be kept in a checkpoint.

    ``spike`` is how many times the median of the last steps a loss may be. ``out`` is the output's
    folder while it is made; checkpoints lie below it.
    """

    spike: float
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=HISTORY))

    def check(self, step: int, loss: float, last_good: tuple[int, Path] | None) -> None:
        """Look at the loss of a step (counted from 1), before the weights are changed by it.

        ``last_good`` is the newest checkpoint: how many steps it holds, and its folder.

        Raises:
            UserError: the loss is no finite number, or it jumps; names the last good checkpoint.
        """
        if not math.isfinite(loss):
            raise UserError(f"the loss of step {step} is {loss}; {_advice(last_good)}")
        if len(self.recent) == HISTORY:
            usual = median(self.recent)
            if loss > self.spike * usual:
                raise UserError(
                    f"the loss of step {step} is {loss:.4g}, more than {self.spike:g} times the "
                    f"{usual:.4g} of the {HISTORY} steps before; {_advice(last_good)}, or raise "
                    "execution.trainer.spike if such a step is to be expected"
                )
        self.recent.append(loss)

    def check_norm(self, step: int, norm: float, last_good: tuple[int, Path] | None) -> None:
        """Look at a step's gradient norm; an engine leaves the weights alone if it is not finite.

        Raises:
            UserError: the norm is no finite number.
        """
        if not math.isfinite(norm):
            raise UserError(
                f"the gradient norm of step {step} is {norm}, so the step was not taken; "
                f"{_advice(last_good)}"
            )


def _advice(last_good: tuple[int, Path] | None) -> str:
    if last_good is None:
        return (
            "there is no checkpoint yet; look at the rows of that step, and lower the learning "
            "rate in the recipe"
        )
    step, folder = last_good
    return (
        f"the last good checkpoint is of step {step} in {folder}; the same command goes on from "
        "there, so look at the rows since then, or lower the learning rate in the recipe, which "
        "starts anew"
    )
