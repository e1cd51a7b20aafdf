"""What the Kubernetes API says of a stage's machines, asked from within a pod."""

from __future__ import annotations

import json
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from msm.errors import UserError
from msm.pools import Pool

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")  # where every pod finds its own
SECONDS = 10
TRAINER = "/apis/trainer.kubeflow.org/v1alpha1"
KUEUE = "/apis/kueue.x-k8s.io/v1beta2"


class NotAllowedError(Exception):
    """The service account may not read it, or the cluster does not have it."""


@dataclass(frozen=True)
class Cluster:
    """The API server, and the namespace of this pod."""

    url: str
    namespace: str
    token: str
    authority: str = ""
    account: Path | None = None  # the folder in which the token is renewed, each hour or so

    @property
    def newest_token(self) -> str:
        """The token as it is now."""
        if self.account is None:
            return self.token
        return (self.account / "token").read_text(encoding="utf-8").strip()

    def get(self, path: str) -> Any:
        """The answer to a GET, as JSON values.

        Raises:
            NotAllowedError: the account may not, or there is no such thing.
            UserError: the server cannot be reached.
        """
        context = ssl.create_default_context(cafile=self.authority or None)
        request = Request(
            f"{self.url}{path}", headers={"Authorization": f"Bearer {self.newest_token}"}
        )
        try:
            with urlopen(request, timeout=SECONDS, context=context) as answer:
                return json.load(answer)
        except HTTPError as error:
            raise NotAllowedError(f"HTTP {error.code}") from None
        except (URLError, TimeoutError, ValueError) as error:
            raise UserError(
                f"the Kubernetes API at {self.url} gives no answer ({type(error).__name__}); check "
                "the network policy of this namespace"
            ) from None


def find_cluster() -> Cluster | None:
    """The cluster that this process is a pod of; None outside of one, or without an account."""
    host = os.environ.get("KUBERNETES_SERVICE_HOST")
    token = ACCOUNT / "token"
    if not host or not token.is_file():
        return None
    port = os.environ.get("KUBERNETES_SERVICE_PORT_HTTPS", "443")
    return Cluster(
        url=f"https://{f'[{host}]' if ':' in host else host}:{port}",
        namespace=(ACCOUNT / "namespace").read_text(encoding="utf-8").strip(),
        token=token.read_text(encoding="utf-8").strip(),
        authority=str(ACCOUNT / "ca.crt"),
        account=ACCOUNT,
    )


def check_pool(cluster: Cluster, stage: str, pool: Pool) -> str:
    """Whether a task of a stage could ever be placed; says what was found, in a few words.

    Raises:
        UserError: no node is such as it needs, the quota does not hold it, or the queue is missing.
    """
    where = f"execution.pools.{stage}"
    found = [_queue(cluster, where, pool), _nodes(cluster, where, pool)]
    found.append(_quota(cluster, where, pool))
    return "; ".join(filter(None, found))


def check_runtime(cluster: Cluster, name: str) -> str:
    """Whether Kubeflow Trainer is there, and has a runtime of this name.

    Raises:
        UserError: there is none.
    """
    try:
        cluster.get(f"{TRAINER}/clustertrainingruntimes/{name}")
    except NotAllowedError as error:
        if "404" not in str(error):
            return f"{name} not checked ({error})"
        raise UserError(
            f"execution.trainer.job.runtime: there is no ClusterTrainingRuntime '{name}'; install "
            "Kubeflow Trainer and ours (k8s/trainer), or name another"
        ) from None
    return f"{name} is there"


def _nodes(cluster: Cluster, where: str, pool: Pool) -> str:
    if pool.scaled_from_zero:
        return "nodes come when a task asks for them"
    selector = ",".join(f"{key}={value}" for key, value in sorted(pool.node_selector.items()))
    try:
        nodes = cluster.get(f"/api/v1/nodes?labelSelector={quote(selector)}")["items"]
    except NotAllowedError as error:
        return f"nodes not checked ({error})"
    fitting = [node for node in nodes if _fits(node, pool)]
    if fitting:
        return f"{len(fitting)} nodes fit"
    wanted = [f"{pool.count} {pool.accelerator}"] if pool.count else []
    wanted += [selector] if selector else []
    raise UserError(
        f"{where}: none of the {len(nodes)} nodes with these labels has what a task needs "
        f"({', '.join(wanted) or 'a node that takes pods'}, taints tolerated); add a node pool, "
        "change node_selector or tolerations, or set scaled_from_zero if the cluster makes nodes"
    )


def _fits(node: Mapping[str, Any], pool: Pool) -> bool:
    spec, there = node.get("spec", {}), node.get("status", {}).get("allocatable", {})
    if spec.get("unschedulable"):
        return False
    for taint in spec.get("taints", ()):
        borne = any(
            taint["key"] == toleration.key
            and taint["effect"] == toleration.effect
            and toleration.value in ("", taint.get("value", ""))
            for toleration in pool.tolerations
        )
        # A device plugin's taint is borne by whoever asks for the device, where the cluster's
        # ExtendedResourceToleration is on, as on the large clouds.
        own = pool.count and taint["key"] == pool.accelerator
        if taint["effect"] != "PreferNoSchedule" and not (borne or own):
            return False
    if pool.count and quantity(there.get(pool.accelerator, "0")) < pool.count:
        return False
    return all(
        quantity(there[name]) >= quantity(wanted)
        for name, wanted in (("cpu", pool.cpu), ("memory", pool.memory))
        if name in there
    )


def _quota(cluster: Cluster, where: str, pool: Pool) -> str:
    try:
        quotas = cluster.get(f"/api/v1/namespaces/{cluster.namespace}/resourcequotas")["items"]
    except NotAllowedError as error:
        return f"quota not checked ({error})"
    wanted = {"requests.cpu": quantity(pool.cpu), "requests.memory": quantity(pool.memory)}
    if pool.count:
        wanted[f"requests.{pool.accelerator}"] = pool.count
    for quota in quotas:
        hard = quota.get("status", {}).get("hard") or quota.get("spec", {}).get("hard", {})
        for name, amount in wanted.items():
            if name in hard and quantity(hard[name]) < amount:
                raise UserError(
                    f"{where}: one task asks for more {name} than the quota "
                    f"'{quota['metadata']['name']}' of namespace {cluster.namespace} holds "
                    f"({hard[name]}); raise the quota, or ask for less"
                )
    return ""


def _queue(cluster: Cluster, where: str, pool: Pool) -> str:
    if not pool.queue:
        return ""
    try:
        cluster.get(f"{KUEUE}/namespaces/{cluster.namespace}/localqueues/{pool.queue}")
    except NotAllowedError as error:
        if "404" not in str(error):
            return f"queue not checked ({error})"
        raise UserError(
            f"{where}: there is no LocalQueue '{pool.queue}' in namespace {cluster.namespace}; "
            "make it (k8s/overlays/kueue), or leave 'queue' out"
        ) from None
    return f"queue {pool.queue}"


_UNITS = {"": 1.0, "m": 1e-3, "k": 1e3}
_UNITS |= {unit: 1000.0**power for power, unit in enumerate("KMGTPE", 1)}
_UNITS |= {f"{unit}i": 1024.0**power for power, unit in enumerate("KMGTPE", 1)}


def quantity(text: str) -> float:
    """A quantity as Kubernetes writes it, such as 500m or 8Gi; 0 for what is none."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kmKMGTPE]i?)?", str(text))
    return float(found[1]) * _UNITS.get(found[2] or "", 0.0) if found else 0.0
