"""What a review reads and writes in the model registry: versions, aliases, tags, evidence."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msm.errors import UserError
from msm.registry.assistant import CHECKPOINT
from msm.registry.client import MlflowException
from msm.registry.present_store import open_present
from msm.registry.server import fault_reason, public_uri
from msm.registry.tracker import PAGE, all_pages

AUTHOR = "msm.author"  # who registered a version; written once, when it is made
_ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
_DELETED = "Deleted_Internal"


@dataclass(frozen=True)
class Reviewed:
    """A version of a registered model, as the registry has it now."""

    model: str
    version: str
    run_id: str
    model_id: str
    description: str
    tags: Mapping[str, str]
    aliases: tuple[str, ...]

    @property
    def reference(self) -> str:
        """``models:/NAME/VERSION``."""
        return f"models:/{self.model}/{self.version}"

    @property
    def identity(self) -> str:
        """Of the checkpoint; "" where msm did not register it."""
        return self.tags.get("msm.identity", "")

    @property
    def digest(self) -> str:
        """The checkpoint's content digest."""
        return self.tags.get("msm.digest", "")


@dataclass(frozen=True)
class Registry:
    """An open registry. Faults of the store are told in one line by ``open_registry``."""

    client: Any
    uri: str

    def models(self) -> tuple[str, ...]:
        """The names of all registered models."""
        found = all_pages(
            lambda token: self.client.search_registered_models(max_results=PAGE, page_token=token)
        )
        return tuple(sorted(str(item.name) for item in found))

    def has_model(self, model: str) -> bool:
        """Whether a model is registered."""
        try:
            self.client.get_registered_model(model)
        except MlflowException as error:
            if error.error_code in _ABSENT:
                return False
            raise
        return True

    def aliases(self, model: str) -> dict[str, str]:
        """The version that each alias of a model points to."""
        found = self.client.get_registered_model(model).aliases
        return {str(alias): str(version) for alias, version in found.items()}

    def versions(self, model: str) -> tuple[str, ...]:
        """The numbers of a model's versions, the first one first."""
        found = all_pages(
            lambda token: self.client.search_model_versions(
                f"name = '{model}'", max_results=PAGE, page_token=token
            )
        )
        return tuple(sorted((str(item.version) for item in found), key=int))

    def version(self, model: str, version: str) -> Reviewed | None:
        """A version; None where there is none, or it is deleted."""
        try:
            found = self.client.get_model_version(model, version)
        except MlflowException as error:
            if error.error_code in _ABSENT:
                return None
            raise
        if found.current_stage == _DELETED:
            return None
        return Reviewed(
            model=model,
            version=str(found.version),
            run_id=str(found.run_id or ""),
            model_id=str(found.source or "").removeprefix("models:/"),
            description=str(found.description or ""),
            tags=dict(found.tags),
            aliases=tuple(sorted(map(str, found.aliases or ()))),
        )

    def author(self, version: Reviewed) -> str:
        """Who registered a version; "" where nothing says."""
        if AUTHOR in version.tags:
            return version.tags[AUTHOR]
        run = self.client.get_run(version.run_id)
        return str(run.data.tags.get("mlflow.user", ""))

    def set_alias(self, model: str, alias: str, version: str) -> None:
        """Point an alias to a version."""
        self.client.set_registered_model_alias(model, alias, version)

    def remove_alias(self, model: str, alias: str) -> None:
        """Remove an alias; one that is not there is no fault."""
        self.client.delete_registered_model_alias(model, alias)

    def tag(self, version: Reviewed, tags: Mapping[str, str]) -> None:
        """Set tags of a version, and leave its others."""
        for key, value in tags.items():
            self.client.set_model_version_tag(version.model, version.version, key, value[:5000])

    def tag_model(self, model: str, key: str, value: str) -> None:
        """Set a tag of a registered model."""
        self.client.set_registered_model_tag(model, key, value)

    def model_tag(self, model: str, key: str) -> str:
        """A tag of a registered model; "" where it has none."""
        return str(self.client.get_registered_model(model).tags.get(key, ""))

    def describe(self, version: Reviewed, text: str) -> None:
        """Replace a version's description."""
        self.client.update_model_version(version.model, version.version, text)

    def write_artifact(self, version: Reviewed, name: str, content: Any) -> None:
        """Put JSON beside the version's run."""
        text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        self.client.log_text(version.run_id, text, name)

    def has_artifact(self, version: Reviewed, name: str) -> bool:
        """Whether a file lies beside the version's run."""
        folder = name.rpartition("/")[0]
        return any(item.path == name for item in self.client.list_artifacts(version.run_id, folder))

    @contextmanager
    def report_of(self, version: Reviewed) -> Iterator[Path]:
        """The report that a version was registered with, as MLflow has it, in a passing folder.

        Raises:
            UserError: it is not there.
        """
        experiment = self.client.get_run(version.run_id).info.experiment_id
        report = version.tags.get("msm.report", "")
        asked = f"tags.`msm.identity` = '{report}' and tags.`msm.stage` = 'report'"
        runs = self.client.search_runs([experiment], asked, order_by=["start_time ASC"])
        run_id = str(runs[0].info.run_id) if runs else ""
        with tempfile.TemporaryDirectory() as folder:
            yield self._fetched(run_id, "report", folder, f"the report of {version.reference}")

    @contextmanager
    def files_of(self, version: Reviewed) -> Iterator[Path]:
        """The checkpoint of a version, as MLflow has it, in a passing folder."""
        with tempfile.TemporaryDirectory() as folder:
            try:
                from mlflow.artifacts import download_artifacts

                place = download_artifacts(
                    artifact_uri=f"models:/{version.model_id}",
                    dst_path=folder,
                    tracking_uri=self.uri,
                )
            except (MlflowException, OSError) as error:
                raise UserError(
                    f"the files of {version.reference} cannot be had from MLflow "
                    f"({fault_reason(str(error))}); register it again"
                ) from None
            yield Path(place) / CHECKPOINT

    def _fetched(self, run_id: str, name: str, folder: str, what: str) -> Path:
        if not run_id:
            raise UserError(f"{what} is in no run; register it again")
        try:
            return Path(self.client.download_artifacts(run_id, name, folder))
        except (MlflowException, OSError) as error:
            raise UserError(
                f"{what} cannot be had from MLflow ({fault_reason(str(error))}); register it again"
            ) from None


@contextmanager
def open_registry(uri: str) -> Iterator[Registry]:
    """Open the registry of a tracking store that is there; none is made.

    Raises:
        UserError: the store is not there, cannot be reached, or fails on the way.
    """
    try:
        with open_present(uri) as client:
            yield Registry(client, uri)
    except MlflowException as error:
        raise UserError(
            f"MLflow at {public_uri(uri)} failed on the way: {fault_reason(str(error))}; run "
            "again: what is done is kept"
        ) from None


def find_reviewed(registry: Registry, reference: str) -> Reviewed:
    """The version that ``models:/NAME/3``, ``NAME/3``, ``models:/NAME@alias`` or ``NAME@alias`` is.

    Raises:
        UserError: the reference has another form, or there is no such version.
    """
    text = reference.removeprefix("models:/")
    name, at, alias = text.rpartition("@")
    number = ""
    if not at:
        name, slash, number = text.rpartition("/")
        if not slash or not name or not number.isdigit():
            raise UserError(f"{reference} is no model version; write NAME/3 or NAME@champion")
    if not registry.has_model(name):
        there = ", ".join(registry.models()) or "none"
        raise UserError(f"no model '{name}' is registered at {public_uri(registry.uri)}: {there}")
    if at:
        aliases = registry.aliases(name)
        if alias not in aliases:
            there = ", ".join(sorted(aliases)) or "none"
            raise UserError(f"{name} has no alias '{alias}'; it has: {there}")
        number = aliases[alias]
    found = registry.version(name, number)
    if found is None:
        raise UserError(f"{name} has no version {number}; it has: {_listed(registry, name)}")
    return found


def _listed(registry: Registry, name: str) -> str:
    return ", ".join(registry.versions(name)) or "none"
