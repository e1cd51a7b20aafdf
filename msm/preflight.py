"""Checks before a pipeline takes a machine with a GPU: all of them, each with what to do."""

from __future__ import annotations

import os
import socket
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from msm.bundle import unbundle
from msm.cluster import Cluster, check_pool, check_runtime, find_cluster
from msm.errors import UserError
from msm.execution import Job
from msm.experiment import build_tasks
from msm.recipe import Recipe
from msm.registry.server import check_reachable, public_uri, tracking_uri
from msm.run import check_texts
from msm.storage.address import parse_address
from msm.storage.bucket import Bucket
from msm.store import STORE_VARIABLE, named_store
from msm.task import Stage
from msm.training.student import config_folder
from msm.weights import GivenSource

CONNECT_SECONDS = 10
# Which variable holds the key of a provider of Inspect's, where the name does not say it.
KEYS = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY", "google": "GOOGLE_API_KEY"}
COMPATIBLE = "openai-api"


@dataclass(frozen=True)
class Check:
    """What was looked at, whether it is as it should be, and what was found or is to be done."""

    name: str
    passed: bool
    found: str


@dataclass(frozen=True)
class Checks:
    """All checks of a recipe."""

    checks: tuple[Check, ...]

    def require(self) -> None:
        """Raises UserError: a check has failed; names all that have."""
        failed = [f"{check.name}: {check.found}" for check in self.checks if not check.passed]
        if failed:
            raise UserError(f"preflight: {' | '.join(failed)}")


def check_bundle(text: str) -> Checks:
    """Check what a pipeline was handed, in a pod of its cluster.

    Raises:
        UserError: the bundle cannot be read at all.
    """
    with tempfile.TemporaryDirectory() as folder:
        return check_recipe(unbundle(text, Path(folder)), find_cluster())


def check_recipe(recipe: Recipe, cluster: Cluster | None = None) -> Checks:
    """Run every check; one that fails hides no other.

    Args:
        recipe: the recipe.
        cluster: whose pools, quotas and queues are looked at; None: none.
    """
    return Checks(tuple(_check(name, call) for name, call in _calls(recipe, cluster)))


def listed(checks: Checks) -> str:
    """As a list, a line each."""
    marks = {True: "ok     ", False: "FAILED "}
    lines = [f"- {marks[check.passed]} {check.name}: {check.found}" for check in checks.checks]
    return "\n".join(lines) + "\n"


def key_variable(model: str) -> str:
    """The environment variable of a model's API key; "" where it needs none that is known."""
    provider, _, rest = model.partition("/")
    if provider == COMPATIBLE:
        return f"{rest.partition('/')[0].upper().replace('-', '_')}_API_KEY"
    return KEYS.get(provider, "")


def _check(name: str, call: Callable[[], str]) -> Check:
    try:
        return Check(name, True, call())
    except UserError as error:
        return Check(name, False, str(error))


def _calls(recipe: Recipe, cluster: Cluster | None) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "recipe", lambda: _recipe(recipe)
    yield "store", lambda: _store(recipe)
    if recipe.execution.trainer.store:
        yield "checkpoint store", lambda: _bucket(recipe.execution.trainer.store)
    yield "MLflow", _mlflow
    yield "student", lambda: f"{recipe.student.label}: {_there(config_folder(recipe.student))}"
    for name, arm in recipe.arms.items():
        if arm.checkpoint is not None and arm.checkpoint.source is GivenSource.S3:
            place = arm.checkpoint.name
            yield f"checkpoint of {name}", lambda place=place: _listed(place)  # type: ignore[misc]
    for role, choice in (("author", recipe.author), ("judge", recipe.judge)):
        if choice.is_model:
            yield role, lambda role=role, model=choice.model: _model(recipe, role, model)  # type: ignore[misc]
    if recipe.execution.trainer.job is not None:
        job = recipe.execution.trainer.job
        yield "training runtime", lambda: _runtime(job, cluster)
    for stage in Stage:
        yield f"pool of {stage}", lambda stage=stage: _pool(recipe, cluster, stage)  # type: ignore[misc]


def _recipe(recipe: Recipe) -> str:
    tasks = build_tasks(recipe)
    check_texts(recipe, tasks)
    return f"{len(tasks)} tasks"


def _store(recipe: Recipe) -> str:
    store = named_store(recipe.execution)
    if store is None:
        raise UserError(
            f"none is named; set {STORE_VARIABLE} to s3://bucket/prefix (on a cluster in the "
            "ConfigMap msm-config), or execution.store: a task that is tried again would begin "
            "anew, and the ledger would know nothing"
        )
    name, text = "preflight.txt", uuid.uuid4().hex
    store.write("preflight", name, text)
    if store.read("preflight", name) is None:
        raise UserError(f"{store.place('preflight')}: what was written there cannot be read back")
    return f"{store.place('')} can be read and written"


def _bucket(url: str) -> str:
    Bucket(parse_address(f"{url.removesuffix('/')}/preflight")).open_uploads()
    return f"{url} answers"


def _listed(url: str) -> str:
    if not Bucket(parse_address(url)).objects():
        raise UserError(f"there is nothing below {url}; check the address")
    return f"{url} is there"


def _mlflow() -> str:
    uri = tracking_uri()
    check_reachable(uri)
    return f"{public_uri(uri)} answers"


def _there(folder: Path) -> str:
    return "its settings are here" if (folder / "config.json").is_file() else "it is here"


def _model(recipe: Recipe, role: str, model: str) -> str:
    variable = key_variable(model)
    if variable and not os.environ.get(variable):
        raise UserError(
            f"{model} needs {variable}, which is not set (on a cluster: a key of that name in the "
            "secret msm-author)"
        )
    url = urlsplit(getattr(recipe.execution, role).base_url)
    if not url.hostname:
        return f"{model}, its key is set" if variable else model
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        socket.create_connection((url.hostname, port), CONNECT_SECONDS).close()
    except OSError as error:
        raise UserError(
            f"nothing answers at {url.hostname}:{port} ({error.strerror or type(error).__name__}); "
            f"start the server of {model}, or change execution.{role}.base_url"
        ) from None
    return f"{model} at {url.hostname}:{port} answers"


def _runtime(job: Job, cluster: Cluster | None) -> str:
    if not job.claim and job.nodes > 1:
        raise UserError(
            "a job of several nodes needs a volume that they share; set execution.trainer.job.claim"
        )
    if cluster is None:
        return f"{job.runtime}; not asked, since this is no pod of a cluster"
    return check_runtime(cluster, job.runtime)


def _pool(recipe: Recipe, cluster: Cluster | None, stage: Stage) -> str:
    pool = recipe.execution.pool(stage)
    if bool(pool.count) != bool(pool.accelerator):
        raise UserError(f"execution.pools.{stage}: 'accelerator' and 'count' go together")
    job = recipe.execution.trainer.job if stage is Stage.TRAIN else None
    if job is not None:
        pool = pool.model_copy(update={"accelerator": job.gpu_resource, "count": job.gpus})
    size = f"{pool.count} {pool.accelerator}" if pool.count else f"{pool.cpu} CPU"
    if cluster is None:
        return f"{size}; not asked, since this is no pod of a cluster"
    return f"{size}; {check_pool(cluster, stage, pool)}"
