"""Judging a version: its report from MLflow, its records, its files, under the recipe's gates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from msm.configs import ArmResult
from msm.errors import UserError
from msm.identity import digest_path
from msm.recipe import Recipe
from msm.recipe_file import PROFILES, load_recipe
from msm.registry.reviews import Registry, Reviewed
from msm.review.figures import read_figures
from msm.review.gates import figure_gates
from msm.review.provenance import Lookup, adapter_applied, decontaminated
from msm.review.verdict import Result, Verdict
from msm.signing.settings import Signing
from msm.signing.signature import signature_fault

# Whether a version's lineage is sound: "" or the first thing that is not.
Audit = Callable[[Reviewed], str]


@dataclass(frozen=True)
class Means:
    """What a judgement needs besides the registry."""

    look: Lookup
    audit: Audit


def judge_version(registry: Registry, version: Reviewed, recipe: Recipe, means: Means) -> Verdict:
    """Hold every gate of the recipe against a version, from its evidence as it lies there now.

    Raises:
        UserError: msm did not register it, or its report cannot be had.
    """
    tags = version.tags
    if not version.identity or not tags.get("msm.report"):
        raise UserError(f"{version.reference} was not registered by msm: it has no evidence")
    if tags.get("msm.experiment") != recipe.name:
        raise UserError(
            f"{version.reference} is of experiment '{tags.get('msm.experiment')}', and the recipe "
            f"of '{recipe.name}'; give the recipe it was made with"
        )
    result = ArmResult(
        arm=tags.get("msm.arm", ""),
        spec=tags.get("msm.spec", ""),
        seed=int(tags.get("msm.seed", "0")),
    )
    gates, signing = recipe.gates, recipe.execution.signing
    with registry.report_of(version) as folder:
        figures = read_figures(folder, result)
    results = [_same_report(figures.report.identity, tags["msm.report"])]
    results += figure_gates(gates, figures)
    if gates.decontaminated:
        results.append(decontaminated(version.identity, figures.report, means.look))
    if gates.adapter_applied:
        results.append(adapter_applied(result, figures.report, means.look))
    results += _files(registry, version, signing)
    if gates.audit:
        fault = means.audit(version)
        asked = "msm audit finds nothing"
        results.append(Result("audit", asked, fault or "nothing", not fault))
    return Verdict(
        model=version.model,
        version=version.version,
        identity=version.identity,
        digest=version.digest,
        report=tags["msm.report"],
        experiment=recipe.name,
        gates=gates.model_dump(mode="json"),
        results=tuple(results),
    )


def find_recipe(root: Path, experiment: str) -> Recipe:
    """The recipe below ``recipes/`` whose experiment has this name, with its profile if need be.

    Raises:
        UserError: there is none.
    """
    for path in sorted((root / "recipes").rglob("*.yaml")):
        for profile in _profiles(path, experiment):
            try:
                recipe = load_recipe(path, profile=profile)
            except UserError:
                continue  # a part of recipes, or one that is not finished
            if recipe.name == experiment:
                return recipe
    raise UserError(
        f"no recipe in {root / 'recipes'} has the name '{experiment}', so nothing says what its "
        "gates are; give --recipe"
    )


def _profiles(path: Path, experiment: str) -> list[str | None]:
    """In which profiles a recipe could be of this name; None stands for the recipe itself."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return []
    if not isinstance(raw, dict) or not experiment.startswith(str(raw.get("name", ""))):
        return []
    profiles = raw.get(PROFILES)
    return [None, *(profiles if isinstance(profiles, dict) else {})]


def _same_report(found: str, wanted: str) -> Result:
    """MLflow keeps one report for an experiment; a version's own is that of its tag."""
    asked = f"the report it was registered with, {wanted[:12]}"
    return Result("report", asked, found[:12], found == wanted)


def _files(registry: Registry, version: Reviewed, signing: Signing) -> list[Result]:
    """Whether the bytes that would be served are those of the tag, and signed where that counts."""
    asked = f"its files are of content {version.digest[:12]}"
    with registry.files_of(version) as folder:
        found = digest_path(folder)
        results = [Result("files", asked, found[:12], found == version.digest)]
        if signing.required:
            fault = signature_fault(folder, signing)
            told = fault.replace(str(folder), "the checkpoint") or "holds"
            results.append(Result("signature", "signed with the recipe's key", told, not fault))
    return results
