"""Adopting a run: what a cluster made becomes an output of the repository, as pointers alone.

Records and lists of files in the store say all that ``dvc.lock`` needs, so no output is fetched,
however large; ``dvc pull`` brings what is wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from msm.errors import UserError
from msm.identity import RECORD
from msm.lineage import dvc_record
from msm.lineage.held import Held, held_outputs
from msm.listing import list_text
from msm.recipe import Recipe
from msm.store import Store


@dataclass(frozen=True)
class Adoption:
    """``written`` has paths of outputs; ``missing`` why a task's output was not found, by label."""

    written: dvc_record.Written
    brought: dvc_record.Brought
    missing: Mapping[str, str]


def adopt(recipe: Recipe, root: Path, store: Store, top: str = "", remote: str = "") -> Adoption:
    """Write lock entries for the outputs of a recipe that lie in a store.

    Args:
        recipe: whose stages a dvc.yaml has.
        root: the workspace, in a DVC repository.
        store: where the run kept its outputs.
        top: the identity of the run's report, registration or another output, from which records
            lead to the others; left out, the run is found by its recipe.
        remote: the DVC remote that is given the files; "" for the default one.

    Raises:
        UserError: nothing is found; an output lies in the workspace with other content; the
            repository has no such stages; the store cannot be read.
    """
    held, missing = held_outputs(recipe, store, top)
    if not held:
        why = "; ".join(f"{label}: {reason}" for label, reason in list(missing.items())[:1])
        raise UserError(
            f"{store.place('')} has no output of recipe '{recipe.name}' ({why}); name the store, "
            "the recipe and its --set as they were in the run"
        )
    with dvc_record.open_repo(root) as repo:
        top_folder = Path(repo.root_dir)
        paths = {}
        for label, item in held.items():
            folder = (root / "outputs" / recipe.name / label).absolute()
            _check_free(folder, item)
            paths[folder.relative_to(top_folder).as_posix()] = item
        outputs = {path: item.listing for path, item in paths.items()}
        written = dvc_record.record_outputs(repo, outputs)
        places = {path: item.places for path, item in paths.items()}
        brought = dvc_record.fill_remote(repo, remote, outputs, places)
    return Adoption(written, brought, missing)


def _check_free(folder: Path, item: Held) -> None:
    if not folder.exists():
        return
    path = folder / RECORD
    if not path.is_file() or list_text(path.read_text(encoding="utf-8")) != item.listing[RECORD]:
        raise UserError(
            f"{folder} holds an output of its own; move it away to adopt the run's, or keep it: "
            "`dvc repro` records it"
        )
