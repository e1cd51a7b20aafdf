"""What training takes, before it is done: floating point operations, memory, hours.

Everything follows from a model's shape and the settings; nothing here touches a device.
"""

from __future__ import annotations

from dataclasses import dataclass

from msm.execution import Zero
from msm.training.gpus import USABLE, Gpu
from msm.training.shape import Shape
from msm.training_settings import Lora, Method, Precision

# Model FLOPs utilisation that plans count with: torchtitan publishes 33 to 39 % for Llama 3.1 8B
# in bf16 on 8 H100 (its benchmarks of 2024-12). To be replaced by a figure measured here.
EXPECTED_MFU = 0.35
MASTER, MOMENTS, GRADIENT = 4, 8, 4  # bytes for each trained parameter: all in fp32
COPY = 2  # bytes of the bf16 copy that the forward pass computes with, if it does so in bf16
LOGITS = 2  # times that a number is kept for each logit: itself and its gradient
OVERHEAD = 1.5e9  # bytes: CUDA context, libraries, communication buffers
PROCESSES = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Setup:
    """How a model is trained, as far as it decides on time and memory.

    ``length`` is the tokens of one pack, which is what one process works on at a time;
    ``attended`` is the tokens of the row that a token lies in, on average over tokens. ``fused``
    says that norms, rotation and the gated projection are Liger's kernels, which keep less.
    """

    method: Method
    lora: Lora
    precision: Precision
    length: int
    attended: float
    zero: Zero = Zero.OFF
    offload: bool = False
    checkpointing: bool = False
    fused: bool = False


@dataclass(frozen=True)
class Memory:
    """Bytes on each process's device, by part."""

    weights: float
    gradients: float
    optimiser: float
    activations: float
    logits: float
    overhead: float = OVERHEAD

    @property
    def total(self) -> float:
        """All parts."""
        return (
            self.weights
            + self.gradients
            + self.optimiser
            + self.activations
            + self.logits
            + self.overhead
        )


def trained_parameters(shape: Shape, setup: Setup) -> int:
    """How many parameters change: the adapter's, or all."""
    return shape.adapter(setup.lora) if setup.method is Method.LORA else shape.parameters


def forward_flops(shape: Shape, attended: float, layers: int | None = None) -> float:
    """FLOPs of one token's way forward: two for each weight, and attention.

    Attention counts the tokens before each token, half of the row on average. Papers that count
    the whole square come to more FLOPs, and so to a higher utilisation at the same speed.
    ``layers`` leaves out the map to the vocabulary, and counts that many layers alone.
    """
    each = 2 * shape.layer_linear + 2 * shape.width("q_proj") * attended
    if layers is not None:
        return layers * each
    return shape.layers * each + 2 * shape.head


def flops_per_token(shape: Shape, setup: Setup) -> float:
    """FLOPs to train on one token, recomputation not counted: what utilisation is measured by.

    Full training is forward, and twice that backward. With an adapter the frozen weights need no
    gradient of their own, and layers below the first adapter no backward pass at all.
    """
    forward = forward_flops(shape, setup.attended)
    if setup.method is Method.FULL:
        return 3 * forward
    reached = max(0, shape.layers - setup.lora.first_layer)
    attention = reached * 2 * shape.width("q_proj") * setup.attended
    back = 2 * (reached * shape.layer_linear + shape.head) + 2 * attention
    return forward + back + 6 * shape.adapter(setup.lora)


def hardware_flops_per_token(shape: Shape, setup: Setup) -> float:
    """FLOPs that the device does for one token: with a second forward where checkpointing is on."""
    again = shape.layers if setup.checkpointing else 0
    return flops_per_token(shape, setup) + forward_flops(shape, setup.attended, again)


def memory(shape: Shape, setup: Setup, processes: int = 1) -> Memory:
    """Bytes on each of ``processes`` devices at the peak of a step, by part.

    ZeRO-1 divides the optimiser's state, ZeRO-2 the gradients too, ZeRO-3 the weights too; then one
    layer's weights are whole at a time. Offloading keeps the optimiser's state off the device.
    """
    trained = trained_parameters(shape, setup)
    wide = 2 if setup.precision is Precision.BF16 else 4
    frozen = shape.parameters * wide if setup.method is Method.LORA else 0
    copies = trained * COPY if setup.precision is Precision.BF16 else 0
    weights: float = frozen + copies
    gradients: float = trained * GRADIENT
    optimiser: float = trained * (MASTER + MOMENTS)
    if setup.zero >= Zero.OPTIMISER:
        optimiser /= processes
    if setup.zero >= Zero.GRADIENTS:
        gradients /= processes
    if setup.zero >= Zero.PARAMETERS and processes > 1:
        whole = max(shape.layer_linear, shape.head) * wide
        weights = weights / processes + 2 * whole
    if setup.offload and setup.zero > Zero.OFF:
        optimiser = 0
    return Memory(
        weights=weights,
        gradients=gradients,
        optimiser=optimiser,
        activations=setup.length * _activations_per_token(shape, setup, wide),
        logits=setup.length * shape.vocabulary * LOGITS * wide,
    )


def processes_needed(shape: Shape, setup: Setup, gpu: Gpu) -> int | None:
    """The least of 1, 2, 4, ... 64 GPUs on which it fits; None where it fits on none of them."""
    for count in PROCESSES:
        if memory(shape, setup, count).total <= USABLE * gpu.memory:
            return count
    return None


def hours(
    shape: Shape, setup: Setup, tokens: int, gpu: Gpu, processes: int, mfu: float = EXPECTED_MFU
) -> float:
    """Hours of ``processes`` GPUs for that many tokens at a utilisation.

    ``mfu`` is what is reached without recomputation, which slows a step by its share of the work.
    """
    done = tokens * hardware_flops_per_token(shape, setup)
    return done / (processes * gpu.teraflops * 1e12 * mfu) / 3600


def utilisation(shape: Shape, setup: Setup, tokens_per_second: float, gpu: Gpu) -> float:
    """Model FLOPs utilisation: FLOPs that training needs, over what one GPU could do at most.

    ``tokens_per_second`` is that of one GPU.
    """
    return tokens_per_second * flops_per_token(shape, setup) / (gpu.teraflops * 1e12)


def _activations_per_token(shape: Shape, setup: Setup, wide: int) -> float:
    """Bytes kept for the backward pass, for one token.

    Of each layer: for each of two norms its input and its scaled output, and an fp32 copy; query,
    key and value before and after rotation; attention's output; and four of the inner width (gate,
    its activation, up, their product). Fused kernels keep no fp32 copy, nothing of before rotation,
    and no activation of the gate. An adapter keeps its inner numbers besides. With checkpointing:
    each layer's input, and all of one layer at a time.
    """
    query, key = shape.width("q_proj"), shape.width("k_proj")
    inner = shape.width("gate_proj")
    if setup.fused:
        kept = wide * (2 * 2 * shape.hidden + (query + 2 * key) + query + 3 * inner)
    else:
        kept = wide * (2 * 2 * shape.hidden + 2 * (query + 2 * key) + query + 4 * inner)
        kept += 4 * 2 * shape.hidden
    with_adapter = 0
    if setup.method is Method.LORA:
        with_adapter = wide * len(shape.projections) * setup.lora.rank
    reached = shape.layers
    if setup.method is Method.LORA:
        reached = max(0, shape.layers - setup.lora.first_layer)
    if setup.checkpointing:
        return shape.layers * shape.hidden * wide + kept + with_adapter
    return reached * (kept + with_adapter)
