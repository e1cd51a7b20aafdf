"""The table of docs/training.md: which GPUs a model needs, for how long and for how much.

Run it with ``python -m benchmarks.gpu_table``. All figures are estimates of msm.training.estimate.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.shapes import LARGE
from msm.execution import Zero
from msm.training.estimate import Setup, hours, memory, processes_needed
from msm.training.gpus import GPUS
from msm.training.shape import shape_of
from msm.training_settings import Lora, Method, Precision

TOKENS = 41_400_000  # the paper's largest corpus
LENGTH, ATTENDED = 8192, 3133  # its maximum length, and its documents' mean length


def table() -> Iterator[str]:
    """The lines of the table, in Markdown."""
    yield f"| model | method | GB at least | {' | '.join(GPUS)} |"
    yield "|---|---|---|" + "---|" * len(GPUS)
    for name, config in LARGE.items():
        shape = shape_of(config)
        for method in Method:
            setup = Setup(
                method,
                Lora(),
                Precision.BF16,
                LENGTH,
                ATTENDED,
                zero=Zero.PARAMETERS,
                checkpointing=True,
            )
            cells = []
            for gpu in GPUS.values():
                count = processes_needed(shape, setup, gpu)
                if count is None:
                    cells.append("does not fit")
                    continue
                taken = hours(shape, setup, TOKENS, gpu, count)
                cost = taken * count * gpu.price
                cells.append(f"{count} GPU, {taken:.1f} h, $ {cost:,.0f}")
            whole = memory(shape, setup).total / 1e9
            yield f"| {name} | {method} | {whole:,.0f} | {' | '.join(cells)} |"


if __name__ == "__main__":
    print("\n".join(table()))
