"""The GPUs that plans count with: peak speed, memory, and what an hour of one costs."""

from __future__ import annotations

from dataclasses import dataclass

from msm.errors import UserError, nearest

GIB = 2**30
USABLE = 0.92  # share of a GPU's memory; the rest is the driver's, NCCL's and fragmentation
PRICES_OF = "2026-11"


@dataclass(frozen=True)
class Gpu:
    """One kind of GPU.

    ``teraflops`` is the dense bf16 peak, without sparsity, of NVIDIA's data sheets (SXM). ``price``
    is a round assumption of US dollars an hour for a rented one, as of ``PRICES_OF``; no quote.
    """

    name: str
    teraflops: float
    memory: int
    price: float


GPUS = {
    gpu.name: gpu
    for gpu in (
        Gpu("A100", 312, 80 * 10**9, 2.0),
        Gpu("H100", 989, 80 * 10**9, 3.0),
        Gpu("H200", 989, 141 * 10**9, 4.0),
    )
}


def gpu_named(name: str) -> Gpu:
    """The GPU of that name, as ``execution.trainer.gpu`` gives it.

    Raises:
        UserError: there is no such entry.
    """
    if name.upper() not in GPUS:
        raise UserError(f"execution.trainer.gpu: '{name}' is not known{nearest(name, GPUS)}")
    return GPUS[name.upper()]


def recognised(device_name: str) -> Gpu | None:
    """The GPU that a driver calls so, such as ``NVIDIA H100 80GB HBM3``; None if not known."""
    return next((gpu for name, gpu in GPUS.items() if name in device_name.upper()), None)
