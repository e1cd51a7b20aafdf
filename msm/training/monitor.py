"""A run's figures as it goes: speed, utilisation, memory, loss, and the time that is left."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping

from msm.execution import Trainer
from msm.training.gpus import gpu_named, recognised

WINDOW = 20  # steps over which speed is measured
Put = Callable[[int, Mapping[str, float]], None]


class Monitor:
    """Turns steps into a note for the console and points for a log.

    ``flops_per_token`` and ``peak`` (FLOP/s of all devices together) give the utilisation; with a
    peak of 0, as on a CPU, there is none. ``put`` is given each step's figures, on the first
    process alone.
    """

    def __init__(
        self, steps: int, flops_per_token: float, peak: float, device: str, put: Put | None
    ) -> None:
        self._steps, self._device, self._put = steps, device, put
        self._flops_per_token, self._peak = flops_per_token, peak
        self._ends: deque[tuple[float, int]] = deque([(time.monotonic(), 0)], maxlen=WINDOW + 1)

    def step(self, step: int, loss: float, learning_rate: float, norm: float, tokens: int) -> str:
        """Take note of a step (counted from 1) of so many tokens over all processes.

        Returns the note to show beside the progress.
        """
        self._ends.append((time.monotonic(), tokens))
        elapsed = max(self._ends[-1][0] - self._ends[0][0], 1e-9)
        taken = len(self._ends) - 1
        speed = sum(count for _, count in list(self._ends)[1:]) / elapsed
        memory = used_memory(self._device)
        figures = {
            "loss": loss,
            "learning_rate": learning_rate,
            "gradient_norm": norm,
            "tokens": float(tokens),
            "tokens_per_second": speed,
            "memory_gb": memory / 1e9,
            "seconds_left": (self._steps - step) * elapsed / taken,
        }
        note = f"loss {loss:.3f}, norm {norm:.2g}, rate {learning_rate:.1e}, {speed:,.0f} tokens/s"
        if self._peak:
            figures["mfu"] = speed * self._flops_per_token / self._peak
            note += f", MFU {figures['mfu']:.0%}"
        if self._put:
            self._put(step, figures)
        return f"{note}, {memory / 1e9:.1f} GB"


def peak_of(device: str, trainer: Trainer, processes: int) -> float:
    """FLOP/s that all processes' GPUs could do at most; 0 on a CPU or a GPU that is not known.

    ``execution.trainer.gpu`` stands for the GPU where its driver's name is not recognised.
    """
    if not device.startswith("cuda"):
        return 0.0
    import torch

    gpu = recognised(torch.cuda.get_device_name(torch.device(device)))
    if gpu is None and trainer.gpu:
        gpu = gpu_named(trainer.gpu)
    return processes * gpu.teraflops * 1e12 if gpu else 0.0


def used_memory(device: str) -> int:
    """Bytes that this process holds: the most so far on its GPU, or in the machine's memory."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.max_memory_allocated(torch.device(device)))
    import psutil

    return int(psutil.Process().memory_info().rss)
