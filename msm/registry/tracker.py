"""An MLflow experiment, opened: what it holds is looked up once, by tag, before anything is made.

What a run, a model or a version is about stands in its tags from the moment it is made, so that a
registration that was killed finds its own traces and goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from requests import HTTPError

from msm.errors import UserError
from msm.registry.client import MlflowClient, MlflowException
from msm.registry.database import make_database
from msm.registry.server import (
    URI_VARIABLE,
    artifact_root,
    check_reachable,
    environment,
    fault_reason,
    public_uri,
)

PAGE = 200
LIVE = "msm.live"  # tag of a run that a training began: the identity of what it makes
_KEYS = ("msm.output", "msm.identity", "msm.digest")


@dataclass(frozen=True)
class Subject:
    """What a run or a model is about: an output, by the name, identity and digest of its folder."""

    stage: str
    name: str
    identity: str
    digest: str

    @property
    def output(self) -> str:
        """``stage/name``."""
        return f"{self.stage}/{self.name}"

    @property
    def tags(self) -> dict[str, str]:
        """The tags under which it is found again."""
        return {
            "msm.stage": self.stage,
            **dict(zip(_KEYS, (self.output, self.identity, self.digest), strict=True)),
        }


@dataclass(frozen=True)
class Tracker:
    """An open experiment: runs of what is made by output, identity, digest; models by the last two.

    ``live`` are the runs that a training began and that no registration has taken yet, by output
    and identity, the oldest first.
    """

    client: Any
    experiment_id: str
    runs: dict[tuple[str, ...], Any]
    live: dict[tuple[str, str], list[Any]]
    models: dict[tuple[str, ...], Any]
    by_id: dict[str, Any]

    def take_live(self, key: tuple[str, str]) -> Any | None:
        """The oldest run of a training that is not taken yet, which then is."""
        waiting = self.live.get(key)
        return waiting.pop(0) if waiting else None

    def params(self, run_id: str) -> Mapping[str, str]:
        """The params that a run had when it was looked up; none if it is new."""
        run = self.by_id.get(run_id)
        return run.data.params if run else {}

    def outputs(self, run_id: str) -> set[str]:
        """The models that a run had among its outputs when it was looked up."""
        run = self.by_id.get(run_id)
        return {model.model_id for model in run.outputs.model_outputs} if run else set()


@contextmanager
def open_tracker(uri: str, experiment: str) -> Iterator[Tracker]:
    """Open an experiment, made on first use.

    Raises:
        UserError: the store cannot be reached, fails on the way, or has the experiment deleted.
    """
    check_reachable(uri)
    # MLflow's own SQL store asks the process-wide store for the model behind a version.
    with environment({URI_VARIABLE: uri}), _explained(uri):
        make_database(uri)
        client = MlflowClient(uri, uri)
        experiment_id = ensure_experiment(client, uri, experiment)
        runs = all_pages(
            lambda token: client.search_runs(
                [experiment_id], "", max_results=PAGE, order_by=["start_time ASC"], page_token=token
            )
        )
        models = all_pages(
            lambda token: client.search_logged_models(
                [experiment_id], max_results=PAGE, page_token=token
            )
        )
        live: dict[tuple[str, str], list[Any]] = {}
        made: dict[tuple[str, ...], Any] = {}
        for run in runs:
            if _is_live(run.data.tags):
                live.setdefault(live_key(run.data.tags), []).append(run)
            else:
                made.setdefault(run_key(run.data.tags), run)
        yield Tracker(
            client,
            experiment_id,
            made,
            live,
            {model_key(model.tags): model for model in models},
            {run.info.run_id: run for run in runs},
        )


def run_key(tags: Mapping[str, str]) -> tuple[str, ...]:
    """Output, identity and digest; two arms with the same phases share all but the first."""
    return tuple(tags.get(key, "") for key in _KEYS)


def live_key(tags: Mapping[str, str]) -> tuple[str, str]:
    """Output and identity: what a run is known by while it trains, and has no digest yet."""
    return tags.get("msm.output", ""), tags.get(LIVE) or tags.get("msm.identity", "")


def _is_live(tags: Mapping[str, str]) -> bool:
    return LIVE in tags and "msm.digest" not in tags


def model_key(tags: Mapping[str, str]) -> tuple[str, ...]:
    """Identity and digest: one identity made twice may differ in its bytes."""
    return run_key(tags)[1:]


def all_pages(search: Callable[[str | None], Any]) -> list[Any]:
    """Everything that a paged search finds."""
    found: list[Any] = []
    token: str | None = None
    while True:
        page = search(token)
        found += page
        token = page.token
        if not token:
            return found


def ensure_experiment(client: Any, uri: str, name: str) -> str:
    """The id of an experiment, made on first use.

    Raises:
        UserError: it is deleted.
    """
    found = client.get_experiment_by_name(name)
    if found is None:
        root = artifact_root(uri)
        location = f"{root.rstrip('/')}/{name}" if root else None
        return str(client.create_experiment(name, location))
    if found.lifecycle_stage != "active":
        raise UserError(
            f"experiment '{name}' is deleted in MLflow at {public_uri(uri)}; restore it with: "
            f"mlflow experiments restore --experiment-id {found.experiment_id}"
        )
    return str(found.experiment_id)


@contextmanager
def _explained(uri: str) -> Iterator[None]:
    """Turn faults of the store, as opposed to faults of ours, into one line."""
    try:
        yield
    except HTTPError as error:  # of artifacts, which MLflow's client lets through as it comes
        status = error.response.status_code if error.response is not None else 0
        raise UserError(_artifact_fault(uri, status)) from None
    except MlflowException as error:
        text = str(error)
        if "mlflow db upgrade" in text:
            raise UserError(
                f"MLflow's store {public_uri(uri)} was made by an older MLflow; back it up, then "
                f"run: mlflow db upgrade '{public_uri(uri)}'"
            ) from None
        if text.startswith("API request to") or error.error_code == "TEMPORARILY_UNAVAILABLE":
            raise UserError(
                f"MLflow at {public_uri(uri)} failed on the way: {fault_reason(text)}; "
                "run again when it is up, what is there already is kept"
            ) from None
        raise


def _artifact_fault(uri: str, status: int) -> str:
    if status in (401, 403):
        return (
            f"MLflow at {public_uri(uri)} refuses to take artifacts (HTTP {status}); give the user "
            "of MLFLOW_TRACKING_USERNAME the permission to edit this experiment, and run again: "
            "what is there already is kept"
        )
    return (
        f"MLflow at {public_uri(uri)} failed on the way: it answers HTTP {status} to artifacts; "
        "run again when it is up, what is there already is kept"
    )
