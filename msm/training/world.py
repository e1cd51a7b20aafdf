"""The processes that train together: who this one is, and how they meet.

Whoever starts the processes names them in the environment: ``torchrun`` and the ``deepspeed``
launcher with RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT, as does Kubeflow Trainer
for its torch runtimes; ``mpirun``, which its DeepSpeed runtime uses, with OMPI_COMM_WORLD_RANK and
the like. One process without any of these needs no process group, and gets none. Torch is loaded
only where it has work: a training may find that there is nothing to do.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from msm.errors import UserError

# How the launchers call rank, number of processes, and rank on this machine.
NAMES = (
    ("RANK", "WORLD_SIZE", "LOCAL_RANK"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"),
)
PORT = "29500"  # torchrun's default
# The slowest thing that others wait for is one process writing or reading a checkpoint.
PATIENCE = datetime.timedelta(minutes=30)


@dataclass(frozen=True)
class World:
    """This process among those that train together; ``device`` is its own torch device."""

    rank: int
    size: int
    local_rank: int
    device: str

    @property
    def is_main(self) -> bool:
        """Whether this process writes, prints and logs for all."""
        return self.rank == 0


def find_world(device: str, environment: Mapping[str, str] | None = None) -> World:
    """Read this process's place from the environment.

    ``device`` is the setting ``execution.device``: with ``cuda`` each process takes the GPU of its
    local rank, a single one the first.

    Raises:
        UserError: the variables contradict one another, or many processes are given one GPU.
    """
    found = os.environ if environment is None else environment
    for names in NAMES:
        if names[0] in found and names[1] in found:
            return _named_world(device, found, names)
    return World(0, 1, 0, _numbered(device, 0))


def _numbered(device: str, local_rank: int) -> str:
    """A device as torch wants it where one GPU is to be chosen: with its number."""
    return f"cuda:{local_rank}" if device == "cuda" else device


def _named_world(device: str, found: Mapping[str, str], names: tuple[str, str, str]) -> World:
    try:
        rank, size = int(found[names[0]]), int(found[names[1]])
        local_rank = int(found.get(names[2], "0"))
    except ValueError:
        given = ", ".join(f"{name}={found[name]}" for name in names if name in found)
        raise UserError(f"the launcher's {given} are not all numbers; start it again") from None
    if not 0 <= rank < size or local_rank < 0:
        raise UserError(
            f"{names[0]}={rank} does not fit {names[1]}={size}; unset both, or use torchrun"
        )
    if size > 1 and device.startswith("cuda") and device != "cuda":
        raise UserError(f"execution.device is {device}, one GPU for {size} processes; say 'cuda'")
    return World(rank, size, local_rank, _numbered(device, local_rank))


@contextmanager
def joined(world: World, group_of_one: bool = False) -> Iterator[None]:
    """Be part of the process group: gloo on CPUs, nccl on GPUs. Left again in any case.

    A world of one process has no group, unless ``group_of_one`` says that one is needed
    (DeepSpeed's engine does).

    Raises:
        UserError: there are many processes and no MASTER_ADDR to meet at.
    """
    on_gpu = world.device.startswith("cuda")
    alone = world.size == 1 and not group_of_one
    if alone and not on_gpu:
        yield
        return
    import torch
    import torch.distributed as dist

    if on_gpu:
        torch.cuda.set_device(world.device)
    if dist.is_initialized() or alone:
        yield
        return
    backend = "nccl" if on_gpu else "gloo"
    # DeepSpeed insists on the first, and moves the model to the GPU of that number.
    os.environ.setdefault("LOCAL_RANK", world.device.partition(":")[2] or str(world.local_rank))
    os.environ.setdefault("DS_ACCELERATOR", "cuda" if on_gpu else "cpu")
    if world.size == 1:
        store = torch._C._distributed_c10d.HashStore()
        dist.init_process_group(backend, store=store, rank=0, world_size=1)
    else:
        _meet(world, backend)
    try:
        yield
    except Exception:
        # One process may have met it alone: leaving nccl's group in order waits for the others.
        if backend == "nccl":
            with suppress(Exception):
                dist.distributed_c10d._abort_process_group()
        raise
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def _meet(world: World, backend: str) -> None:
    import torch.distributed as dist

    address = os.environ.get("MASTER_ADDR")
    if not address:
        raise UserError(
            f"{world.size} processes, but no MASTER_ADDR to meet at; set it to the first host"
        )
    os.environ.setdefault("MASTER_PORT", PORT)
    dist.init_process_group(backend, rank=world.rank, world_size=world.size, timeout=PATIENCE)
