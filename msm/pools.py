"""Where the tasks of a pipeline run on a cluster: the machines of each stage. In no identity."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class _Setting(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ImageRole(StrEnum):
    """Which of this repository's images; their digests stand in components/images/digests.json."""

    CPU = "cpu"
    TRAIN = "train"
    VLLM = "vllm"


class Effect(StrEnum):
    """What a taint does to a pod that does not tolerate it."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class Toleration(_Setting):
    """A taint that the pods bear; without a ``value`` any taint of the key."""

    key: str
    value: str = ""
    effect: Effect = Effect.NO_SCHEDULE


class Pool(_Setting):
    """The machines of one stage. Sizes are written as Kubernetes has them."""

    accelerator: str = Field(default="", description="what the cluster calls it: nvidia.com/gpu")
    count: int = Field(default=0, ge=0, le=16, description="of accelerators, for each task")
    cpu: str = Field(default="2", pattern=r"^\d+(\.\d+)?$|^\d+m$")
    memory: str = Field(default="8Gi", pattern=r"^\d+(\.\d+)?([KMGTPE]i?)?$")
    node_selector: Mapping[str, str] = {}
    tolerations: tuple[Toleration, ...] = ()
    scaled_from_zero: bool = Field(
        default=False, description="nodes come when a task asks for one: none need be there before"
    )
    shared_memory: str = Field(
        default="", description="size of /dev/shm, which NCCL and vLLM use; left out: 64 MB"
    )
    queue: str = Field(default="", description="a LocalQueue of Kueue's")
    priority: str = Field(default="", description="a WorkloadPriorityClass of Kueue's")
    timeout_hours: float = Field(default=24.0, gt=0, description="of one try of a task")
    retries: int = Field(default=3, ge=0, description="after a lost machine or a fault")
    backoff_seconds: int = Field(default=30, ge=1, description="first wait; it doubles each try")
    shards: int = Field(
        default=1,
        ge=1,
        le=32,
        description="steps that do a share of a task before it, side by side: of `write` with a "
        "model as author, and of `evaluate` for the suites that a judge grades",
    )
    image: ImageRole | None = Field(
        default=None, description="left out: cpu; train or vllm where there are accelerators"
    )
