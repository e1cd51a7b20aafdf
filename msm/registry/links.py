"""Where the same thing lies in the other systems: Kubeflow Pipelines, DVC, and Inspect's logs.

The identity joins all of them; these tags save a reader the search. A link that cannot be told
for sure is left out.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from msm.evals.found import LOGS
from msm.identity import RECORD
from msm.lineage.dvc_tool import LOCK, read_list
from msm.registry.server import PIPELINE_VARIABLE, public_uri
from msm.registry.sources import Source

PIPELINE_PAGES_VARIABLE = "MSM_PIPELINE_UI"  # the address of KFP's pages, where a person reads them
CACHE = Path(".dvc/cache/files/md5")
_SERVERS = ("http://", "https://")


def pipeline_links() -> dict[str, str]:
    """The KFP run that this process is a task of, with its page's address if that is known."""
    run = os.environ.get(PIPELINE_VARIABLE, "")
    if not run:
        return {}
    links = {"msm.kfp.run": run}
    if pages := os.environ.get(PIPELINE_PAGES_VARIABLE):
        links["msm.kfp.url"] = f"{pages.rstrip('/')}/#/runs/details/{run}"
    return links


def dvc_links(source: Source) -> dict[str, str]:
    """What ``dvc.lock`` says of an output: DVC's own md5 of the folder, the stage, the revision.

    The revision is the commit that holds this ``dvc.lock``; while it is not committed, as during
    `dvc repro`, the md5 alone tells (`git log -S MD5 -- dvc.lock` finds the commit later). An entry
    of another output than the folder's, by what DVC's cache knows of it, is left aside.

    For tags alone, never for a file of an output: `dvc.lock` is a state of one checkout, and the
    same output is made where there is none.
    """
    for root in source.folder.absolute().parents:
        lock = root / LOCK
        if lock.is_file():
            break
    else:
        return {}
    path = source.folder.absolute().relative_to(root).as_posix()
    found = _locked(lock, lock.stat().st_mtime_ns).get(path)
    if found is None or not _is_of(found[1], source.folder, root):
        return {}
    stage, entry = found
    links = {"msm.dvc.stage": stage, "msm.dvc.md5": str(entry["md5"])}
    if revision := _revision(root, lock.stat().st_mtime_ns):
        links["msm.dvc.revision"] = revision
    return links


def log_links(measured: Mapping[str, Source]) -> dict[str, str]:
    """The transcripts of each suite: output and file, and the file's SHA-256 from the record."""
    return {
        f"msm.logs.{suite}": f"{source.subject.output}/{name} sha256:{file.sha256}"
        for suite, source in measured.items()
        for name, file in source.record.files.items()
        if name.startswith(f"{LOGS}/") and name.endswith(".eval")
    }


def run_page(uri: str, experiment_id: str, run_id: str) -> str:
    """The address of a run's page; for a store without pages, the store and the run's id."""
    place = public_uri(uri).rstrip("/")
    if place.startswith(_SERVERS):
        return f"{place}/#/experiments/{experiment_id}/runs/{run_id}"
    return f"run {run_id} of {_named(place)}"


def version_page(uri: str, name: str, version: str) -> str:
    """The address of a version's page; for a store without pages, its name in the registry."""
    place = public_uri(uri).rstrip("/")
    if place.startswith(_SERVERS):
        return f"{place}/#/models/{name}/versions/{version}"
    return f"models:/{name}/{version}"


_NAMES = {
    "experiment": "MLflow, the experiment",
    "run": "MLflow, this checkpoint",
    "msm.kfp.run": "Kubeflow Pipelines, the run",
    "msm.kfp.url": "Kubeflow Pipelines, its page",
}


def named(links: Mapping[str, str]) -> dict[str, str]:
    """Links by what a person calls them."""
    return {_NAMES.get(key, key): place for key, place in links.items()}


def _named(place: str) -> str:
    """A store by its file's name: where it lies is a machine's business."""
    return place.rpartition("/")[2] or place


def _is_of(entry: Mapping[str, Any], folder: Path, root: Path) -> bool:
    """Whether DVC's cache has the record of a folder in the list of what an entry names.

    The record has the digests of all other files. Another run of the same recipe may lie here than
    the one whose lock was committed.
    """
    listed = read_list(root / CACHE, str(entry["md5"])) or {}
    record = folder / RECORD
    return record.is_file() and listed.get(RECORD) == _md5(record)


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


@lru_cache(maxsize=8)
def _locked(lock: Path, _: int) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Output path -> its stage and entry; read once for each state of the file."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    raw = yaml.load(lock.read_text(encoding="utf-8"), Loader=loader) or {}  # a safe loader
    return {
        str(out["path"]): (name, out)
        for name, stage in (raw.get("stages") or {}).items()
        for out in stage.get("outs") or []
        if "md5" in out
    }


@lru_cache(maxsize=8)
def _revision(root: Path, _: int) -> str:
    """The commit that holds the present ``dvc.lock``, empty if none does."""
    if _git(root, "diff", "--quiet", "HEAD", "--", LOCK) is None:
        return ""
    return _git(root, "log", "-1", "--format=%H", "--", LOCK) or ""


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
