"""Loading a model in shares, for ZeRO-3 and models that no single process could hold.

In bf16 the shares are rounded as they are loaded. What trains all weights sets the exact ones
afterwards (``exact_weights``), or two phases would be joined by rounded weights on many processes,
and by exact ones on a single one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msm.execution import Trainer
from msm.training.model import load_student
from msm.training.trained import Trained
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


def exact_weights(folder: Path) -> Trained:
    """A whole model's weights as they were kept, for an engine's ``load``; on the first process."""
    model = load_student(folder, Precision.FP32, "cpu")
    weights = {name: parameter.detach() for name, parameter in model.named_parameters()}
    return Trained(weights, {}, 0)
