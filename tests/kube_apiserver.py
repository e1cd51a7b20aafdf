"""A real Kubernetes API server on loopback: etcd and kube-apiserver, no nodes, no controllers."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from ssl import CERT_NONE, SSLContext, create_default_context

import pytest

from tests.kustomize import TOOLS, needs_tools

VERSION = "1.20.2"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
SERVER = CACHE / "msm" / f"kubernetes-{VERSION}-2" / "kube-apiserver"  # of scripts/kube-apiserver
START_SECONDS = 120

needs_server = pytest.mark.skipif(
    not SERVER.exists() or shutil.which("etcd") is None,
    reason="no kube-apiserver here: make k8s-server",
)
needs_both = [needs_tools, needs_server]


@dataclass(frozen=True)
class Cluster:
    """How to speak to a running API server, as its administrator."""

    url: str
    token: str
    authority: Path  # a file with the server's certificate

    def token_of(self, namespace: str, account: str) -> str:
        """A token as a pod of this service account finds it."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        request = '{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}'
        done = self.kubectl("create", "--raw", path, "-f", "-", stdin=request)
        assert done.returncode == 0, done.stderr
        token: str = json.loads(done.stdout)["status"]["token"]
        return token

    def kubectl(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run kubectl against the server; never raises."""
        return subprocess.run(
            [
                *(TOOLS / "kubectl", f"--server={self.url}", f"--token={self.token}"),
                *("--kubeconfig=/dev/null", "--insecure-skip-tls-verify"),
                *arguments,
            ],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """Start etcd and a kube-apiserver that keep everything in ``folder``; stop them at the end."""
    client, peer, port = _free_ports(3)
    token = secrets.token_hex(16)
    (folder / "tokens.csv").write_text(f"{token},admin,admin,system:masters\n")
    key = folder / "service-accounts.key"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    here = "http://127.0.0.1"
    with ExitStack() as stack:
        stack.enter_context(
            _process(
                folder / "etcd.log",
                "etcd",
                f"--data-dir={folder / 'etcd'}",
                f"--listen-client-urls={here}:{client}",
                f"--advertise-client-urls={here}:{client}",
                f"--listen-peer-urls={here}:{peer}",
                f"--initial-advertise-peer-urls={here}:{peer}",
                f"--initial-cluster=default={here}:{peer}",
            )
        )
        server = stack.enter_context(
            _process(
                folder / "server.log",
                str(SERVER),
                f"--etcd-servers={here}:{client}",
                "--bind-address=127.0.0.1",
                f"--secure-port={port}",
                "--insecure-port=0",
                f"--cert-dir={folder / 'certificates'}",
                f"--token-auth-file={folder / 'tokens.csv'}",
                "--authorization-mode=RBAC",
                "--service-account-issuer=https://msm.invalid",
                f"--service-account-key-file={key}",
                f"--service-account-signing-key-file={key}",
                "--service-cluster-ip-range=10.96.0.0/16",
                "--endpoint-reconciler-type=none",
            )
        )
        authority = folder / "certificates" / "apiserver.crt"
        cluster = Cluster(f"https://127.0.0.1:{port}", token, authority)
        _wait(cluster, server, folder / "server.log")
        yield cluster


@contextmanager
def _process(log: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(cluster: Cluster, server: subprocess.Popen[bytes], log: Path) -> None:
    request = urllib.request.Request(
        f"{cluster.url}/readyz", headers={"Authorization": f"Bearer {cluster.token}"}
    )
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(request, timeout=5, context=_no_checks()) as answer:
                if answer.read() == b"ok":
                    return
        except OSError:
            time.sleep(0.5)
    raise RuntimeError(f"kube-apiserver did not start:\n{log.read_text()[-3000:]}")


def _no_checks() -> SSLContext:
    """The server signs its own certificate."""
    context = create_default_context()
    context.check_hostname = False
    context.verify_mode = CERT_NONE
    return context


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
