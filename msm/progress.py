"""Progress of long work: a bar with throughput and ETA on a terminal, silence elsewhere.

A stage calls ``track``; who shows the steps is set once per process with ``send_to``: a rich
display on a terminal, or the process that runs many stages at once.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

Sink = Callable[["Step"], None]


@dataclass(frozen=True)
class Step:
    """How far one piece of work is. ``total`` 0 means that it has ended."""

    label: str
    done: int
    total: int
    unit: str
    note: str = ""


_sink: Sink | None = None


def send_to(sink: Sink | None) -> None:
    """Set where this process's progress goes; None silences it."""
    global _sink
    _sink = sink


def active() -> Sink | None:
    """Where this process's progress goes now."""
    return _sink


@contextmanager
def track(label: str, total: int, unit: str) -> Iterator[Callable[..., None]]:
    """Yield ``advance(done, note="")``, to be called with the amount done so far."""
    last = 0.0

    def advance(done: int, note: str = "") -> None:
        nonlocal last
        now = time.monotonic()
        if _sink is not None and (done >= total or now - last > 0.2):
            last = now
            _sink(Step(label, done, total, unit, note))

    advance(0)
    try:
        yield advance
    finally:
        if _sink is not None:
            _sink(Step(label, total, 0, unit))


@contextmanager
def shown_on_terminal() -> Iterator[None]:
    """Show this process's progress with rich, if standard error is a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from msm.terminal import Display

    with Display() as display:
        send_to(display.update)
        try:
            yield
        finally:
            send_to(None)
