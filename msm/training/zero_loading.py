"""Loading a model in shares, for ZeRO-3 and models that no single process could hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from msm.execution import Trainer
from msm.training.zero_settings import zero_settings
from msm.training_settings import Precision


@contextmanager
def partitioned_loading(
    trainer: Trainer, precision: Precision, hidden: int, device: str
) -> Iterator[None]:
    """Within it, ``from_pretrained`` leaves in each process its share of each weight alone.

    transformers finds DeepSpeed's settings by a weak reference, so they are held here meanwhile,
    and forgotten afterwards: a model that is loaded later is whole again. The process group must
    be joined before, or DeepSpeed counts one process and refuses its batch size.
    """
    from transformers.integrations.deepspeed import (
        HfDeepSpeedConfig,
        unset_hf_deepspeed_config,
    )

    # Buckets of gradients play no part in loading, so the number of trained weights may be zero.
    held = HfDeepSpeedConfig(zero_settings(trainer, precision, 0, hidden, device))
    try:
        yield
    finally:
        unset_hf_deepspeed_config()
        del held
