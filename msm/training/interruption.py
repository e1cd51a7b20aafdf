"""Being asked to stop: a signal is noted, the loop looks after each step, and ends in good order.

Kubernetes sends SIGTERM before it takes a machine away, Slurm SIGUSR1 if it is told to, a person
SIGINT by Ctrl-C.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from msm.errors import Interrupted

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)

_received: tuple[signal.Signals, float] | None = None


def note(number: int, frame: FrameType | None) -> None:
    """Handle a signal: remember the first. A second Ctrl-C ends at once, without a checkpoint."""
    global _received
    if _received is not None and number == signal.SIGINT == _received[0]:
        raise KeyboardInterrupt
    _received = _received or (signal.Signals(number), time.monotonic())


@contextmanager
def listening() -> Iterator[None]:
    """Note the signals that ask to stop, in place of what they did before.

    Only a process's main thread can; elsewhere nothing changes.
    """
    global _received
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if note not in before.values():  # a worker of `msm run` goes on listening
            _received = None


def asked() -> signal.Signals | None:
    """The signal by which this process was asked to stop, if it was."""
    return _received[0] if _received is not None else None


def asked_of_any(device: str) -> signal.Signals | None:
    """The same over all processes that train together; every one of them has to call it.

    A machine that is taken away warns its own processes alone, but all have to stop after the same
    step.

    Args:
        device: torch device of this process, on which its backend moves tensors.
    """
    import torch
    from torch import distributed

    if not (distributed.is_available() and distributed.is_initialized()):
        return asked()
    number = torch.tensor([int(asked() or 0)], dtype=torch.int32, device=device)
    distributed.all_reduce(number, distributed.ReduceOp.MAX)
    return signal.Signals(int(number.item())) if int(number.item()) else None


def seconds_left(grace: float) -> float:
    """What is left of ``grace`` seconds since this process was asked; all if it was not."""
    return grace if _received is None else max(0.0, grace - (time.monotonic() - _received[1]))


def interrupted(number: signal.Signals, where: str) -> Interrupted:
    """What the loop raises once its state is safe; ``where`` says after which step."""
    return Interrupted(
        f"stopped by {number.name} {where}; the same command goes on from here", number
    )
