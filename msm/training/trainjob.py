"""A training task as a ``TrainJob`` of Kubeflow Trainer v2: torchrun on every node's GPUs.

The API is ``trainer.kubeflow.org/v1alpha1`` as of Kubeflow Trainer 2.3, whose typed models
(``kubeflow-trainer-api``) the tests check each manifest against. The torch runtime starts one pod
for each node, and names the processes to torchrun in ``PET_*`` variables; DeepSpeed needs no more,
so no SSH or MPI is involved.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msm.errors import UserError
from msm.execution import Job
from msm.pools import Pool, Toleration

API = "trainer.kubeflow.org/v1alpha1"
MANAGER = "msm.trainer/manifest"
NODE = "node"  # what the torch runtimes call the replicated job and its container
WORKSPACE, OWN_DISK = "/workspace", "/tmp/msm"
SHARED_MEMORY = "/dev/shm"
NAME_LENGTH = 40  # of 63, since the job's pods are called after it
IDENTITY = "msm/identity"  # label of a job that a pipeline's task made: whose output it makes
LABEL_LENGTH = 63
# Seconds after SIGTERM at which torchrun kills its processes: 30, unless this says otherwise.
PATIENCE = "TORCH_ELASTIC_SHUTDOWN_TIMEOUT"
QUEUE, PRIORITY = "kueue.x-k8s.io/queue-name", "kueue.x-k8s.io/priority-class"


def trainjob(
    job: Job, experiment: str, name: str, command: Sequence[str], pool: Pool | None = None
) -> dict[str, Any]:
    """The manifest of one training task.

    Args:
        job: of the recipe.
        experiment: its name.
        name: of the task.
        command: what each node runs.
        pool: of the recipe; nodes are chosen, tolerated and queued for as it says.

    Raises:
        UserError: the recipe names no image, or a setting is no name that Kubernetes takes.
    """
    if not job.image:
        raise UserError("execution.trainer.job.image is not set; name the image that has msm in it")
    if job.nodes > 1 and not job.claim:
        raise UserError(
            "a job of several nodes needs a volume that they share; set execution.trainer.job.claim"
        )
    metadata: dict[str, Any] = {
        "name": job_name(experiment, name),
        "labels": {"app.kubernetes.io/name": "msm", "app.kubernetes.io/component": "train"},
        "annotations": {"msm/experiment": experiment, "msm/output": f"train/{name}"},
    }
    if job.namespace:
        metadata["namespace"] = job.namespace
    pool = pool or Pool()
    queued = ((QUEUE, pool.queue), (PRIORITY, pool.priority))
    metadata["labels"] |= {key: value for key, value in queued if value}
    gpus = {job.gpu_resource: str(job.gpus)}
    return {
        "apiVersion": API,
        "kind": "TrainJob",
        "metadata": metadata,
        "spec": {
            "runtimeRef": {
                "apiGroup": API.partition("/")[0],
                "kind": "ClusterTrainingRuntime",
                "name": job.runtime,
            },
            "trainer": {
                "image": job.image,
                "command": list(command),
                "numNodes": job.nodes,
                "numProcPerNode": job.gpus,
                "resourcesPerNode": {"requests": gpus, "limits": dict(gpus)},
                "env": _environment(job),
            },
            "runtimePatches": [_patch(job, pool)],
        },
    }


def owned(manifest: Mapping[str, Any], identity: str) -> dict[str, Any]:
    """The manifest of the one job that makes the output of this identity, whoever asks for it.

    The server refuses a second one of the name, so that of two that ask at once one joins.
    """
    metadata = manifest["metadata"]
    return {
        **manifest,
        "metadata": {
            **metadata,
            "name": owned_name(identity),
            "labels": {**metadata["labels"], IDENTITY: identity[:LABEL_LENGTH]},
            "annotations": {**metadata["annotations"], IDENTITY: identity},
        },
    }


def owned_name(identity: str) -> str:
    """What the job is called that makes the output of this identity."""
    return f"train-{identity[:20]}"


def ordered_command(identity: str, store: str, shared: bool) -> list[str]:
    """What the nodes run of a job that a pipeline's task makes (``msm.training.order``)."""
    place = WORKSPACE if shared else OWN_DISK
    return [
        *("torchrun", "-m", "msm", "train-ordered", identity),
        *("--store", store, "--workspace", place),
    ]


def train_command(
    recipe: Path, name: str, overrides: Sequence[str], profile: str | None, shared: bool
) -> list[str]:
    """``msm train`` under torchrun. The recipe's path is taken as the container sees it."""
    command = ["torchrun", "-m", "msm", "train", recipe.as_posix(), name]
    if shared:
        command += ["--workspace", WORKSPACE]
    if profile:
        command += ["--profile", profile]
    for override in overrides:
        command += ["--set", override]
    return command


def job_name(experiment: str, name: str) -> str:
    """A name that Kubernetes takes; the digits at its end keep names apart that look alike."""
    whole = f"{experiment}-{name}"
    readable = re.sub(r"[^a-z0-9]+", "-", whole.lower()).strip("-")[:NAME_LENGTH].strip("-")
    if not readable[:1].isalpha():
        readable = f"t-{readable}"
    return f"{readable}-{hashlib.sha256(whole.encode()).hexdigest()[:6]}"


def _environment(job: Job) -> list[dict[str, Any]]:
    both = job.environment.keys() & job.secrets.keys()
    if both:
        raise UserError(
            f"execution.trainer.job: {', '.join(sorted(both))} is both in secrets and in "
            "environment; keep one"
        )
    plain = {PATIENCE: str(job.grace_seconds), **job.environment}
    found: list[dict[str, Any]] = [
        {"name": name, "value": value} for name, value in sorted(plain.items())
    ]
    for variable, source in sorted(job.secrets.items()):
        secret, _, key = source.partition("/")
        if not (secret and key):
            raise UserError(
                f"execution.trainer.job.secrets: '{source}' of {variable} is no secret's name, "
                "'/', and its key"
            )
        reference = {"secretKeyRef": {"name": secret, "key": key}}
        found.append({"name": variable, "valueFrom": reference})
    taken = [entry["name"] for entry in found if entry["name"].startswith("PET_")]
    if taken:
        raise UserError(f"execution.trainer.job: {taken[0]} is set by Kubeflow Trainer itself")
    return found


def _patch(job: Job, pool: Pool) -> Mapping[str, Any]:
    """Place, volumes and time to end: what the runtime's pods get besides."""
    volumes: list[dict[str, Any]] = [
        {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": job.shared_memory}}
    ]
    mounts = [{"name": "shared-memory", "mountPath": SHARED_MEMORY}]
    if job.claim:
        claim = {"claimName": job.claim}
        volumes.append({"name": "workspace", "persistentVolumeClaim": claim})
        mounts.append({"name": "workspace", "mountPath": WORKSPACE})
    pod: dict[str, Any] = {
        "terminationGracePeriodSeconds": job.grace_seconds,
        "volumes": volumes,
        "containers": [{"name": NODE, "volumeMounts": mounts}],
    }
    if pool.node_selector:
        pod["nodeSelector"] = dict(pool.node_selector)
    if pool.tolerations:
        pod["tolerations"] = [_toleration(toleration) for toleration in pool.tolerations]
    replicated = {"name": NODE, "template": {"spec": {"template": {"spec": pod}}}}
    return {
        "manager": MANAGER,
        "trainingRuntimeSpec": {"template": {"spec": {"replicatedJobs": [replicated]}}},
    }


def _toleration(toleration: Toleration) -> dict[str, str]:
    common = {"key": toleration.key, "effect": toleration.effect.value}
    if toleration.value:
        return {**common, "operator": "Equal", "value": toleration.value}
    return {**common, "operator": "Exists"}
