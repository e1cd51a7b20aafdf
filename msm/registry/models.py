"""LoggedModels, and versions in the registry. Every call here can be repeated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from msm.errors import UserError
from msm.registry.client import MlflowException
from msm.registry.tracker import PAGE, Subject, Tracker, all_pages, model_key

_REFUSED = "/:'\""


@dataclass(frozen=True)
class Version:
    """A version to be in the registry: of which model, from which LoggedModel, with what card."""

    name: str
    about: str
    model_id: str
    run_id: str
    card: str
    tags: Mapping[str, str]


def check_model_name(name: str) -> None:
    """Refuse a name that the registry, or a search in it, does not take.

    Raises:
        UserError: the name is empty or holds a slash, a colon or a quote.
    """
    if not name.strip() or any(character in name for character in _REFUSED):
        raise UserError(f"register.model '{name}': a model's name has no slash, colon or quote")


def ensure_model(
    tracker: Tracker,
    subject: Subject,
    run_id: str,
    tags: Mapping[str, str],
    params: Mapping[str, str],
) -> str:
    """The LoggedModel of a checkpoint, one for each identity and digest; returns its id."""
    tags = {**tags, **subject.tags}
    key = model_key(tags)
    model = tracker.models.get(key)
    if model is None:
        name = subject.name.replace(".", "-")  # MLflow takes no dot here
        model = tracker.client.create_logged_model(
            tracker.experiment_id, name, run_id, tags, dict(params), "adapter"
        )
    if str(model.status) != "READY":
        model = tracker.client.finalize_logged_model(model.model_id, "READY")
    tracker.models[key] = model
    return str(model.model_id)


def upload_model(tracker: Tracker, model_id: str, folder: Path) -> None:
    """Copy a model's files to its LoggedModel, unless they are there in full."""
    there = _sizes_there(tracker, model_id)
    ours = {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file()
    }
    if not ours.items() <= there.items():  # MLflow adds a file of its own when it loads one
        tracker.client.log_model_artifacts(model_id, str(folder))


def _sizes_there(tracker: Tracker, model_id: str, path: str | None = None) -> dict[str, int]:
    """The files of a LoggedModel with their sizes, folder by folder."""
    found: dict[str, int] = {}
    for item in tracker.client.list_logged_model_artifacts(model_id, path):
        if item.is_dir:
            found |= _sizes_there(tracker, model_id, item.path)
        else:
            found[item.path] = item.file_size
    return found


def ensure_version(tracker: Tracker, version: Version) -> str:
    """The version for a LoggedModel and a report, made if need be; returns its number.

    It gets no alias: that is the promotion, which is somebody else's act.
    """
    try:
        tracker.client.create_registered_model(version.name, description=version.about)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    source = f"models:/{version.model_id}"
    present = all_pages(
        lambda token: tracker.client.search_model_versions(
            f"name = '{version.name}'", max_results=PAGE, page_token=token
        )
    )
    for item in present:
        if item.source == source and item.tags.get("msm.report") == version.tags["msm.report"]:
            return str(item.version)
    made = tracker.client.create_model_version(
        version.name,
        source,
        version.run_id,
        dict(version.tags),
        description=version.card,
        model_id=version.model_id,
    )
    return str(made.version)
