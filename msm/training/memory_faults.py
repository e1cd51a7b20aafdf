"""Running out of memory, as one line that says what lowers the need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from msm.errors import UserError

CPU_ALLOCATOR = "DefaultCPUAllocator"  # how torch's error for the machine's memory begins


@contextmanager
def memory_explained(device: str, longest_pack: int) -> Iterator[None]:
    """Turn what torch raises when a device is full into a UserError.

    ``longest_pack`` is the tokens of the longest sequence that is computed at once.

    Raises:
        UserError: there was not enough memory; no checkpoint is lost.
    """
    try:
        yield
    except RuntimeError as error:  # torch.OutOfMemoryError is one
        if not isinstance(error, torch.OutOfMemoryError) and CPU_ALLOCATOR not in str(error):
            raise
        raise UserError(
            f"{device} is out of memory at packs of up to {longest_pack:,} tokens; set "
            "execution.trainer.activation_checkpointing, raise execution.trainer.zero with more "
            "processes, set execution.trainer.offload, or lower maximum_length"
        ) from None
