"""How to run, as opposed to what to make: none of this is part of an identity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from msm.pools import Pool
from msm.signing.settings import Signing


class _Setting(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Price(_Setting):
    """What a model charges, in US dollars per million tokens."""

    input: float = Field(default=0.0, ge=0)
    cached_input: float | None = Field(default=None, ge=0, description="left out: as input")
    output: float = Field(default=0.0, ge=0)


class Connection(_Setting):
    """How a model is reached, and how patiently. API keys come from the environment alone."""

    base_url: str = Field(default="", description="of an OpenAI-compatible server")
    connections: int = Field(default=16, ge=1, description="requests in flight at once")
    attempts: int = Field(default=6, ge=1, description="tries of one request that the server fails")
    answers: int = Field(default=3, ge=1, description="answers asked for until one can be used")
    backoff_seconds: float = Field(default=1.0, gt=0, description="first wait; it doubles each try")
    timeout_seconds: float = Field(
        default=600.0, gt=0, description="of one try; not of a batch, nor of a model in the process"
    )
    batch: bool | int = Field(default=False, description="the provider's batch API; a number: size")
    price: Price = Price()
    arguments: Mapping[str, Any] = Field(
        default={}, description="passed to Inspect's get_model, such as device or enable_thinking"
    )


class Provider(StrEnum):
    """What samples a student whose weights lie here: transformers in this process, or vLLM."""

    TRANSFORMERS = "hf"
    VLLM = "vllm"


class Serving(Connection):
    """How the student under evaluation is sampled.

    ``vllm`` starts vLLM by the interpreter that MSM_VLLM_PYTHON names, with ``arguments`` as its
    options, or uses the server at ``base_url`` if that may load adapters by path. ``connections``
    is the number of samples at work at once, for ``hf`` the batch.
    """

    provider: Provider = Provider.TRANSFORMERS


class Zero(IntEnum):
    """How DeepSpeed divides a model among processes; 0 is training without DeepSpeed."""

    OFF = 0
    OPTIMISER = 1
    GRADIENTS = 2
    PARAMETERS = 3


class Attention(StrEnum):
    """The kernel of attention; ``auto`` takes flash attention on a GPU that has it installed."""

    AUTO = "auto"
    FLASH = "flash"
    SDPA = "sdpa"


class LiveMetrics(StrEnum):
    """Whether a run's figures go to MLflow while it runs; ``auto``: if MLflow is a server."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class Cleanup(StrEnum):
    """When a pipeline's train task removes its TrainJob.

    ``always``: when it ended, and when the task is stopped. ``ended``: a task that is stopped
    leaves it running, and the task that is tried again joins it. ``complete``: so too, and a job
    that failed stays to be looked at, until the next try.
    """

    ALWAYS = "always"
    ENDED = "ended"
    COMPLETE = "complete"


class Job(_Setting):
    """Where Kubeflow Trainer runs a training: of a pipeline, or of ``msm train --trainjob``."""

    image: str = Field(
        default="",
        description="the container image, best by its digest; left out: a pipeline's own, `train`",
    )
    nodes: int = Field(default=1, ge=1)
    gpus: int = Field(default=8, ge=1, description="of each node, one process for each")
    gpu_resource: str = Field(default="nvidia.com/gpu", description="what the cluster calls them")
    runtime: str = Field(default="torch-distributed", description="a ClusterTrainingRuntime")
    namespace: str = Field(default="", description="left out: the one that kubectl uses")
    claim: str = Field(
        default="", description="a volume claim that all nodes share; the workspace lies there"
    )
    secrets: Mapping[str, str] = Field(
        default={}, description="environment variable: name of a secret, '/', its key"
    )
    environment: Mapping[str, str] = Field(default={}, description="variables that are no secret")
    shared_memory: str = Field(default="16Gi", description="size of /dev/shm, which NCCL uses")
    grace_seconds: int = Field(
        default=120, ge=30, description="from SIGTERM to SIGKILL: time for a last checkpoint"
    )
    device: str = Field(default="cuda", description="torch device of its processes")
    cleanup: Cleanup = Cleanup.ALWAYS


GRACE = 25.0  # seconds; Kubernetes gives 30 unless told otherwise
TO_END = 5  # seconds of a pod's grace that the trainer leaves for the process to end


class Trainer(_Setting):
    """How the trainer uses the machine. The number of processes comes from who starts them."""

    zero: Zero = Field(default=Zero.OFF, description="ZeRO stage 1, 2 or 3; 0: no DeepSpeed")
    offload: bool = Field(default=False, description="ZeRO: optimiser state in the CPU's memory")
    attention: Attention = Attention.AUTO
    activation_checkpointing: bool = Field(
        default=False, description="compute activations twice to keep fewer"
    )
    liger: bool = Field(default=True, description="use Liger's kernels where they are installed")
    checkpoints: int = Field(default=2, ge=1, description="newest checkpoints that are kept")
    store: str = Field(
        default="", description="s3://bucket/prefix to which checkpoints are copied meanwhile"
    )
    grace_seconds: float | None = Field(
        default=None,
        gt=0,
        description="after SIGTERM: for the checkpoint and its copy, together; left out: 25, in a "
        "job its own grace_seconds less 5",
    )
    spike: float = Field(
        default=4.0, gt=1, description="a loss so many times that of the last steps stops the run"
    )
    live_metrics: LiveMetrics = LiveMetrics.AUTO
    run: str = Field(
        default="", description="experiment/stage/name in MLflow; left out: as the recipe says"
    )
    job: Job | None = Field(default=None, description="left out: training takes place in one pod")
    gpu: str = Field(default="", description="what plans count with: A100, H100 or H200")
    price: float = Field(default=0.0, ge=0, description="US dollars for an hour of one GPU")

    @property
    def grace(self) -> float:
        """Seconds for the last checkpoint and its copy."""
        return self.grace_seconds or GRACE

    def job_and_grace(self) -> tuple[Job, float]:
        """The job, and the trainer's own grace in it: they agree on the time after SIGTERM."""
        job = self.job or Job()
        seconds = self.grace_seconds or float(job.grace_seconds - TO_END)
        longest = max(job.grace_seconds, math.ceil(seconds) + TO_END)
        return job.model_copy(update={"grace_seconds": longest}), seconds


class Execution(_Setting):
    """Where and how fast to run. Changing it changes no output's identity."""

    device: str = Field(default="cpu", description="torch device: cpu, cuda, cuda:0")
    threads: int = Field(default=1, ge=1, description="CPU threads of one stage")
    jobs: int = Field(default=2, ge=1, description="stages that `msm run` keeps going at once")
    checkpoint_minutes: float = Field(
        default=1.0, gt=0, description="minutes between two checkpoints within a training stage"
    )
    store: str = Field(
        default="",
        description="s3://bucket/prefix, or a folder, of finished outputs by identity; left out: "
        "MSM_STORE in the environment, if that is set",
    )
    pools: Mapping[str, Pool] = Field(
        default={}, description="the machines of each stage in a pipeline; `default`: of the rest"
    )
    signing: Signing = Field(default=Signing(), description="what outputs are signed with")
    trainer: Trainer = Trainer()
    author: Connection = Connection()
    judge: Connection = Connection()
    student: Serving = Serving()

    def pool(self, stage: str) -> Pool:
        """The machines of a stage."""
        return self.pools.get(stage) or self.pools.get("default") or Pool()

    def named(self, experiment: str, output: str) -> Execution:
        """With the name that a training run has in MLflow while it runs, if none was given."""
        run = self.trainer.run or f"{experiment}/{output}"
        return self.model_copy(update={"trainer": self.trainer.model_copy(update={"run": run})})

    def recorded(self) -> dict[str, Any]:
        """As it stands in a record: without arguments, addresses, keys: they may hold secrets."""
        hidden = {"base_url", "arguments"}
        left_out: dict[str, Any] = {
            "store": True,
            "pools": True,
            "signing": True,
            **dict.fromkeys(("author", "judge", "student"), hidden),
            "trainer": {"run", "job"},
        }
        return self.model_dump(mode="json", exclude=left_out)
