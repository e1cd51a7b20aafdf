"""DeepSpeed's settings: the stage, the number format and the sizes of buffers. No fp16."""

from __future__ import annotations

from typing import Any

from msm.execution import Trainer, Zero
from msm.training.adamw import GRADIENT_NORM
from msm.training_settings import Precision

LARGEST_BUCKET = 200_000_000  # elements sent at once; DeepSpeed's tutorials use 2e8 for GPUs
NEVER = 2**62  # steps between two of DeepSpeed's own lines about its speed


def zero_settings(
    trainer: Trainer, precision: Precision, trainable: int, hidden: int, device: str
) -> dict[str, Any]:
    """The dictionary that DeepSpeed is started with.

    One pack is one micro-batch, and the loop says itself when a step is complete, so both counts
    are one. Gradients are summed and sent in fp32: a step of many packs loses nothing to bf16, and
    agrees with the step of one process.

    Args:
        trainer: ``zero`` (not OFF) and ``offload`` are read.
        precision: of the model's compute; master weights and moments are fp32 in any case.
        trainable: number of trained weights.
        hidden: the model's hidden size, which sizes ZeRO-3's buffers as transformers does.
        device: torch device of this process.
    """
    stage: dict[str, Any] = {
        "stage": int(trainer.zero),
        "contiguous_gradients": True,
        "overlap_comm": device.startswith("cuda"),
        "reduce_scatter": True,
        "reduce_bucket_size": _bucket(trainable),
        "allgather_bucket_size": _bucket(trainable),
    }
    if trainer.zero is Zero.PARAMETERS:
        stage |= {
            "reduce_bucket_size": hidden * hidden,
            "stage3_prefetch_bucket_size": hidden * hidden * 9 // 10,
            "stage3_param_persistence_threshold": 10 * hidden,
            "stage3_max_live_parameters": 1_000_000_000,
            "stage3_max_reuse_distance": 1_000_000_000,
            # Checkpoints and exports hold fp32 tensors that are gathered one by one instead.
            "stage3_gather_16bit_weights_on_model_save": False,
        }
    if trainer.offload:
        stage["offload_optimizer"] = {"device": "cpu", "pin_memory": device.startswith("cuda")}
    return {
        "train_micro_batch_size_per_gpu": 1,
        "gradient_accumulation_steps": 1,
        "gradient_clipping": GRADIENT_NORM,
        "bf16": {"enabled": precision is Precision.BF16},
        "data_types": {"grad_accum_dtype": "fp32"},
        "communication_data_type": "fp32",
        "zero_optimization": stage,
        # On a CPU there is nothing to offload to: torch's AdamW does as well as DeepSpeed's.
        "zero_force_ds_cpu_optimizer": False,
        "steps_per_print": NEVER,
        "wall_clock_breakdown": False,
    }


def _bucket(trainable: int) -> int:
    return max(1, min(LARGEST_BUCKET, trainable))
