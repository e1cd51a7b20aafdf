"""Keeping the libraries' own chatter off the terminal: a stage shows its progress itself."""

from __future__ import annotations

import os
import warnings


def quiet_libraries() -> None:
    """Silence loading bars and advice of transformers, and DeepSpeed's line about the device."""
    import torch

    if not torch.cuda.is_available():
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
