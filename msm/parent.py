"""Ending with the process that started this one, however that one ends."""

from __future__ import annotations

import ctypes
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h
LIBRARY = ctypes.CDLL(None)  # loaded here: between fork and exec nothing may be loaded


def end_with_parent(number: signal.Signals) -> None:
    """Have Linux send this process a signal when its parent dies; elsewhere nothing is done."""
    if sys.platform == "linux":
        LIBRARY.prctl(PR_SET_PDEATHSIG, number)
