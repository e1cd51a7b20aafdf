"""What the Kubernetes API is asked about TrainJobs and their pods, and how its faults are told."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from msm.cluster import Cluster
from msm.errors import UserError
from msm.training.trainjob import API

GROUP, VERSION = API.split("/")
KIND = "trainjobs"
JOBSET = "jobset.sigs.k8s.io/jobset-name"  # on each pod: the JobSet is called after the TrainJob
SECONDS = 30.0  # of one request
# Why a container does not start, and will not start by itself.
STUCK = (
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "CrashLoopBackOff",
)

Result = TypeVar("Result")


class JobState(StrEnum):
    """How far a TrainJob is."""

    RUNNING = "running"
    SUSPENDED = "suspended"
    COMPLETE = "complete"
    FAILED = "failed"


class AwayError(Exception):
    """The server gives no answer now, or says that it cannot."""


class ExistsError(Exception):
    """There is a job of this name already."""


@dataclass(frozen=True)
class TrainJobs:
    """The TrainJobs of a namespace, as its service account may use them."""

    cluster: Cluster
    namespace: str

    def create(self, manifest: Mapping[str, Any]) -> None:
        """Make a job.

        Raises:
            ExistsError: there is one of that name.
            AwayError, UserError: see ``_asked``.
        """
        self._asked("create", lambda api: api.create_namespaced_custom_object(
            GROUP, VERSION, self.namespace, KIND, manifest, _request_timeout=SECONDS
        ))  # fmt: skip

    def get(self, name: str) -> dict[str, Any] | None:
        """A job as it is now; None where there is none.

        Raises:
            AwayError, UserError: see ``_asked``.
        """
        return self._asked("get", lambda api: api.get_namespaced_custom_object(
            GROUP, VERSION, self.namespace, KIND, name, _request_timeout=SECONDS
        ))  # fmt: skip

    def delete(self, name: str) -> None:
        """Remove a job, and with it its pods; one that is not there is as good.

        Raises:
            AwayError, UserError: see ``_asked``.
        """
        self._asked("delete", lambda api: api.delete_namespaced_custom_object(
            *(GROUP, VERSION, self.namespace, KIND, name),
            propagation_policy="Background", _request_timeout=SECONDS,
        ))  # fmt: skip

    def pods(self, name: str) -> list[dict[str, Any]]:
        """The pods of a job, as JSON values; none where the account may not see them.

        Raises:
            AwayError: see ``_asked``.
        """
        from kubernetes.client import CoreV1Api

        def ask(api: Any) -> Any:
            answer = CoreV1Api(api.api_client).list_namespaced_pod(
                self.namespace, label_selector=f"{JOBSET}={name}", _request_timeout=SECONDS
            )
            return api.api_client.sanitize_for_serialization(answer)["items"]

        try:
            return self._asked("list the pods of", ask) or []
        except UserError:  # to be seen is good, and no need
            return []

    def _asked(self, verb: str, ask: Callable[[Any], Result]) -> Result | None:
        """The answer; None for HTTP 404 to what is asked of one that should be there.

        Raises:
            ExistsError: HTTP 409.
            AwayError: no answer, or one that a later try may better.
            UserError: the account may not, the cluster has no Trainer, or refuses the job.
        """
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        try:
            return ask(self._api())
        except ApiException as error:
            status = int(error.status or 0)
            if status == 404 and verb != "create":
                return None
            if status == 409:
                raise ExistsError from None
            if status == 429 or status >= 500:
                raise AwayError(f"HTTP {status}") from None
            raise UserError(self._refusal(verb, status, _said(error.body))) from None
        except (HTTPError, OSError) as error:
            raise AwayError(type(error).__name__) from None

    def _refusal(self, verb: str, status: int, said: str) -> str:
        if status in (401, 403):
            return (
                f"this task's service account may not {verb} TrainJobs in namespace "
                f"{self.namespace} (HTTP {status}); run it as msm-trainer (k8s/base/tasks)"
            )
        if status == 404:
            return (
                f"the cluster has no TrainJobs, or no namespace {self.namespace}; install Kubeflow "
                "Trainer (k8s/trainer), or leave out execution.trainer.job"
            )
        return f"the cluster refuses to {verb} the TrainJob (HTTP {status}): {said}"

    def _api(self) -> Any:
        from kubernetes import client

        settings = client.Configuration()
        settings.host = self.cluster.url
        settings.ssl_ca_cert = self.cluster.authority or None
        settings.api_key = {"authorization": f"Bearer {self.cluster.newest_token}"}
        settings.retries = False
        return client.CustomObjectsApi(client.ApiClient(settings))


def state(job: Mapping[str, Any]) -> tuple[JobState, str]:
    """How far a job is by its conditions, and what is said of that."""
    conditions = {
        item["type"]: f"{item.get('reason', '')}: {item.get('message', '')}".strip(": ")
        for item in job.get("status", {}).get("conditions", ())
        if item["status"] == "True"
    }
    for condition, found in (
        ("Failed", JobState.FAILED),
        ("Complete", JobState.COMPLETE),
        ("Suspended", JobState.SUSPENDED),
    ):
        if condition in conditions:
            return found, conditions[condition]
    return JobState.RUNNING, ""


def failure(pods: Sequence[Mapping[str, Any]]) -> str:
    """Why a pod failed, in one line: of several the one that failed first; "" if none has."""
    found = []
    for pod in pods:
        for container in _containers(pod):
            ended = container.get("state", {}).get("terminated")
            ended = ended or container.get("lastState", {}).get("terminated")
            if ended and ended.get("exitCode"):
                lines = [line.strip() for line in ended.get("message", "").splitlines()]
                last = next((line for line in reversed(lines) if line), "")
                reason = f"{ended.get('reason', 'Error')}, exit code {ended['exitCode']}"
                found.append((ended.get("finishedAt", ""), f"{_name(pod)}: {reason}: {last}"))
        if pod.get("status", {}).get("phase") == "Failed" and pod["status"].get("reason"):
            said = f"{pod['status']['reason']}: {pod['status'].get('message', '')}"
            found.append(("", f"{_name(pod)}: {said}"))
    return min(found)[1].rstrip(": ") if found else ""


def hindrance(pods: Sequence[Mapping[str, Any]]) -> str:
    """What keeps a pod from starting, in one line; "" where nothing does."""
    for pod in pods:
        for container in _containers(pod):
            waiting = container.get("state", {}).get("waiting") or {}
            if waiting.get("reason") in STUCK:
                said = f"{_name(pod)}: {waiting['reason']}: {waiting.get('message', '')}"
                return " ".join(said.split()).rstrip(":")
        for condition in pod.get("status", {}).get("conditions") or ():
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                said = f"{_name(pod)}: {condition.get('reason')}: {condition.get('message', '')}"
                return " ".join(said.split()).rstrip(":")
    return ""


def _containers(pod: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    status = pod.get("status", {})
    return [
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ]


def _name(pod: Mapping[str, Any]) -> str:
    return str(pod["metadata"]["name"])


def _said(body: Any) -> str:
    try:
        return " ".join(str(json.loads(body)["message"]).split())
    except (ValueError, KeyError, TypeError):
        return "no reason given"
