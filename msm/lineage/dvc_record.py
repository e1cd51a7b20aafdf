"""Writing ``dvc.lock`` for outputs that lie elsewhere, and pointing DVC's remote at their bytes.

The one place that knows DVC from within: its command line can only record what lies in the
workspace. DVC is imported when a function is called.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msm.errors import UserError
from msm.lineage.dvc_tool import folder_tree
from msm.listing import Listing
from msm.progress import track
from msm.store import SCHEME

THREADS = 8  # requests under way at once


@dataclass(frozen=True)
class Written:
    """What was written: outputs in a lock file, and those whose stage lacks something."""

    recorded: tuple[str, ...]
    waiting: tuple[str, ...]


@dataclass(frozen=True)
class Brought:
    """What became of the bytes: files that DVC's remote had, or was given, and those it lacks.

    ``why`` says what kept the remote from being given the rest.
    """

    present: int
    given: int
    lacking: int
    why: str = ""


@contextlib.contextmanager
def open_repo(root: Path) -> Iterator[Any]:
    """The DVC repository that a folder lies in.

    Raises:
        UserError: there is none, or one of its dvc.yaml files cannot be read.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            yield repo
    except DvcException as error:
        raise UserError(f"DVC in {root}: {' '.join(str(error).split())}") from None


def record_outputs(repo: Any, outputs: Mapping[str, Listing]) -> Written:
    """Write lock entries for outputs by their path in the repository.

    A stage is recorded if all that it makes is among the outputs, and all that it reads is there
    too or in git. The lists of files (``.dir`` objects) go into DVC's cache; no file of an output
    is read.

    Args:
        repo: of ``open_repo``.
        outputs: every file of each folder, the record too.

    Raises:
        UserError: no stage of a dvc.yaml makes one of the outputs.
    """
    root = Path(repo.root_dir)
    stages = {
        Path(out.fs_path).relative_to(root).as_posix(): stage
        for stage in repo.index.stages
        for out in stage.outs
        if Path(out.fs_path).is_relative_to(root)
    }
    for path in sorted(set(outputs) - set(stages)):
        raise UserError(
            f"no stage of a dvc.yaml below {root} makes {path}; write the recipe's stages as "
            "dvc.yaml does, docs/dvc.md says how"
        )
    made: dict[Any, list[str]] = {}
    for path in outputs:
        made.setdefault(stages[path], []).append(path)
    by_file: dict[Any, list[Any]] = {}
    recorded: list[str] = []
    waiting: list[str] = []
    with repo.lock:
        for stage, own in made.items():
            whole = len(own) == len(stage.outs)
            if not whole or not all(_fill(dep, root, set(stages), outputs) for dep in stage.deps):
                waiting += own
                continue
            for out in stage.outs:
                _set(out, outputs[Path(out.fs_path).relative_to(root).as_posix()])
                repo.cache.local.add(out.obj.path, out.obj.fs, out.obj.oid)
            by_file.setdefault(stage.dvcfile, []).append(stage)
            recorded += own
        for file, changed in by_file.items():
            file.dump_stages(changed, update_pipeline=False)
    return Written(tuple(recorded), tuple(waiting))


def _fill(dep: Any, root: Path, made: set[str], outputs: Mapping[str, Listing]) -> bool:
    """Give a dependency its hash; False if it is made of outputs that are not known."""
    from dvc.dependency.param import ParamsDependency

    path = Path(dep.fs_path)
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else ""
    below = {other for other in made if other.startswith(f"{name}/")} if name else set()
    if isinstance(dep, ParamsDependency) or not (name in made or below):
        dep.save()
    elif name in made:
        if name not in outputs:
            return False
        _set(dep, outputs[name])
    else:
        if not below <= set(outputs):
            return False
        whole = {
            f"{other.removeprefix(f'{name}/')}/{file}": entry
            for other in below
            for file, entry in outputs[other].items()
        }
        _set(dep, whole)
    return True


def _set(item: Any, listing: Listing) -> None:
    """Give an output or dependency the hash that DVC takes of a folder with these files."""
    from dvc_data.hashfile.meta import Meta

    tree = folder_tree(listing)
    size = sum(entry.size for entry in listing.values())
    item.obj, item.hash_info = tree, tree.hash_info
    item.meta = Meta(size=size, nfiles=len(listing), isdir=True)


def fill_remote(
    repo: Any, remote: str, outputs: Mapping[str, Listing], places: Mapping[str, Mapping[str, str]]
) -> Brought:
    """Give a DVC remote the files of outputs without a byte passing through this machine.

    In S3 the server copies them; on a disk they are linked, or copied where that cannot be. What
    the remote has already is left alone. The ``.dir`` objects, which are made here, are sent.

    Args:
        repo: of ``open_repo``.
        remote: its name; "" for the default one.
        outputs: as for ``record_outputs``.
        places: of each file, by path of the output and name: a path, or ``s3://bucket/key``.

    Raises:
        UserError: there is no such remote.
    """
    from dvc.config import NoRemoteError, RemoteNotFoundError

    try:
        database = repo.cloud.get_remote_odb(name=remote or None)
    except (NoRemoteError, RemoteNotFoundError) as error:
        raise UserError(f"DVC: {error}; `dvc remote list` names those there are") from None
    wanted = {
        entry.md5: places[path][file]
        for path, listing in outputs.items()
        for file, entry in listing.items()
    }
    there = set(database.oids_exist(list(wanted)))
    missing = {md5: place for md5, place in wanted.items() if md5 not in there}
    in_s3 = any(place.startswith(SCHEME) for place in missing.values())
    protocol = "s3" if in_s3 else "local"
    if missing and database.fs.protocol != protocol:
        why = f"the store is {'in S3' if in_s3 else 'a folder'} and DVC's remote is not"
        return Brought(len(there), 0, len(missing), why)
    bring = _copy_in_s3 if in_s3 else _link
    given = 0
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            jobs = [
                pool.submit(bring, database.fs, place, database.oid_to_path(md5))
                for md5, place in missing.items()
            ]
            with track("files for DVC's remote", len(jobs), "files") as advance:
                for job in jobs:
                    job.result()
                    given += 1
                    advance(given)
        for listing in outputs.values():
            tree = folder_tree(listing)
            database.add(tree.path, tree.fs, tree.oid)
    except OSError as error:
        why = f"{error.strerror or error}; is the remote on the store's server?"
        return Brought(len(there), given, len(missing) - given, why)
    return Brought(len(there), given, 0)


def _copy_in_s3(files: Any, place: str, target: str) -> None:
    files.copy(place.removeprefix(SCHEME), target)


def _link(files: Any, place: str, target: str) -> None:
    aside = Path(f"{target}.{uuid.uuid4().hex}")
    aside.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(place, aside)
    except OSError:  # on another disk, or one without links
        shutil.copyfile(place, aside)
    aside.replace(target)
