"""The states of all random generators, as values that a JSON file holds; nothing is unpickled."""

from __future__ import annotations

import random
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

WORDS = np.dtype("<u4")  # of the Mersenne Twister, in Python and in NumPy


def random_states() -> dict[str, Any]:
    """The states of Python's, NumPy's and torch's generators, the GPUs' too if any is in use."""
    version, words, gauss = random.getstate()
    legacy: Any = np.random.get_state(legacy=False)
    state = {
        "python": {"version": version, "words": _text(np.array(words, WORDS)), "gauss": gauss},
        "numpy": {
            "generator": legacy["bit_generator"],
            "words": _text(legacy["state"]["key"].astype(WORDS)),
            "position": int(legacy["state"]["pos"]),
            "has_gauss": int(legacy["has_gauss"]),
            "gauss": float(legacy["gauss"]),
        },
        "torch": _text(torch.get_rng_state().numpy()),
        "cuda": [],
    }
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        state["cuda"] = [_text(item.numpy()) for item in torch.cuda.get_rng_state_all()]
    return state


def restore_random_states(states: Mapping[str, Any]) -> None:
    """Bring the generators to the states that ``random_states`` returned.

    Of GPUs, as many as there were and are.
    """
    python, legacy = states["python"], states["numpy"]
    words = tuple(np.frombuffer(b64decode(python["words"]), WORDS).tolist())
    random.setstate((python["version"], words, python["gauss"]))
    key = np.frombuffer(b64decode(legacy["words"]), WORDS).astype(np.uint32)
    np.random.set_state(
        (legacy["generator"], key, legacy["position"], legacy["has_gauss"], legacy["gauss"])
    )
    torch.set_rng_state(_tensor(states["torch"]))
    if torch.cuda.is_available():
        for index, text in enumerate(states["cuda"][: torch.cuda.device_count()]):
            torch.cuda.set_rng_state(_tensor(text), index)


def _text(array: np.ndarray[Any, Any]) -> str:
    return b64encode(array.tobytes()).decode()


def _tensor(text: str) -> torch.Tensor:
    return torch.frombuffer(bytearray(b64decode(text)), dtype=torch.uint8)
