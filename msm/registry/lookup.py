"""Looking things up in MLflow: which output a version, a LoggedModel or a run is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from msm.errors import UserError
from msm.registry.client import MlflowException
from msm.registry.present_store import open_present
from msm.registry.server import fault_reason, public_uri

_ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


@dataclass(frozen=True)
class Known:
    """Something in MLflow that is about an output: its tags say about which.

    ``name`` is how a person finds it there (``models:/NAME/3``, ``run ID``); ``aliases`` are those
    of a version. Fields that it has not are empty.
    """

    name: str
    tags: Mapping[str, str]
    run_id: str = ""
    model_id: str = ""
    model: str = ""
    version: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """The identity of the output it is about.

        Raises:
            UserError: it was not made by ``msm register``, so no tag says.
        """
        found = self.tags.get("msm.identity") or self.tags.get("msm.live")
        if not found:
            raise UserError(f"{self.name} has no tag msm.identity: msm did not make it")
        return found

    @property
    def digest(self) -> str:
        """The content digest of that output; "" of a training that had not ended."""
        return self.tags.get("msm.digest", "")


def find_version(uri: str, model: str, version: str) -> Known:
    """A version of a registered model, by its number.

    Raises:
        UserError: it is not there, or MLflow cannot be asked.
    """
    return _version(
        uri, model, f"models:/{model}/{version}", lambda c: _numbered(c, model, version)
    )


def find_alias(uri: str, model: str, alias: str) -> Known:
    """The version of a registered model that an alias points to.

    Raises:
        UserError: it is not there, or MLflow cannot be asked.
    """
    return _version(
        uri,
        model,
        f"models:/{model}@{alias}",
        lambda c: c.get_model_version_by_alias(model, alias),
    )


def find_logged_model(uri: str, model_id: str) -> Known:
    """A LoggedModel by its id, as ``m-0123…``.

    Raises:
        UserError: it is not there, or MLflow cannot be asked.
    """
    with _opened(uri, f"models:/{model_id}") as client:
        found = client.get_logged_model(model_id)
    return Known(f"models:/{model_id}", dict(found.tags), str(found.source_run_id or ""), model_id)


def find_run(uri: str, run_id: str) -> Known:
    """A run by its id.

    Raises:
        UserError: it is not there, or MLflow cannot be asked.
    """
    with _opened(uri, f"run {run_id}") as client:
        found = client.get_run(run_id)
    return Known(f"run {run_id}", dict(found.data.tags), run_id)


def _version(uri: str, model: str, asked: str, find: Any) -> Known:
    with _opened(uri, asked) as client:
        found = find(client)
        # The version itself tells its aliases only where it was asked for by its number.
        found = _numbered(client, model, str(found.version))
    return Known(
        name=f"models:/{model}/{found.version}",
        tags=dict(found.tags),
        run_id=str(found.run_id or ""),
        model_id=str(found.source or "").removeprefix("models:/"),
        model=model,
        version=str(found.version),
        aliases=tuple(sorted(map(str, found.aliases or ()))),
    )


def _numbered(client: Any, model: str, version: str) -> Any:
    return client.get_model_version(model, version)


@contextmanager
def _opened(uri: str, asked: str) -> Iterator[Any]:
    """A client to read with; makes no store. What is not there is told by the name asked for."""
    try:
        with open_present(uri) as client:
            yield client
    except MlflowException as error:
        if error.error_code in _ABSENT:
            raise UserError(f"{asked} is not in MLflow at {public_uri(uri)}") from None
        raise UserError(
            f"MLflow at {public_uri(uri)} could not be asked about {asked}: "
            f"{fault_reason(str(error))}"
        ) from None
