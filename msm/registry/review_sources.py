"""What a review page reads of a version in MLflow, besides its report."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from msm.configs import ArmResult
from msm.registry.client import MlflowException
from msm.registry.links import run_page, version_page
from msm.registry.reviews import Registry, Reviewed

SPECS = "specs"  # artifacts of the experiment's run: the specs' texts


@dataclass(frozen=True)
class Made:
    """What a version was made of and how: tags, the training's settings, and the spec's text.

    ``pages`` are where MLflow shows it, by what they are called.
    """

    tags: Mapping[str, str]
    params: Mapping[str, str]
    spec_name: str
    spec: str
    pages: Mapping[str, str]


def read_made(registry: Registry, version: Reviewed) -> Made:
    """Read a version's run; a spec of a registration without specs has no text."""
    run = registry.client.get_run(version.run_id)
    experiment = str(run.info.experiment_id)
    name, text = _spec(registry, version, experiment)
    pages = {
        "version": version_page(registry.uri, version.model, version.version),
        "run": run_page(registry.uri, experiment, version.run_id),
    }
    return Made(version.tags, dict(run.data.params), name, text, pages)


def result_of(version: Reviewed) -> ArmResult:
    """Whose result a version is."""
    tags = version.tags
    return ArmResult(
        arm=tags.get("msm.arm", ""),
        spec=tags.get("msm.spec", ""),
        seed=int(tags.get("msm.seed") or 0),
    )


def _spec(registry: Registry, version: Reviewed, experiment: str) -> tuple[str, str]:
    spec, report = version.tags.get("msm.spec", ""), version.tags.get("msm.report", "")
    if not spec or not report:
        return spec, ""
    asked = f"tags.`msm.identity` = '{report}' and tags.`msm.stage` = 'report'"
    for run in registry.client.search_runs([experiment], asked, max_results=1):
        for item in registry.client.list_artifacts(run.info.run_id, SPECS):
            if Path(item.path).stem == spec:
                return spec, _text(registry, str(run.info.run_id), item.path)
    return spec, ""


def _text(registry: Registry, run_id: str, path: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = Path(registry.client.download_artifacts(run_id, path, folder))
            return found.read_text(encoding="utf-8", errors="replace")
        except (MlflowException, OSError):
            return ""
