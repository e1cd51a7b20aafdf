"""What a review command works with: registry, version, recipe, keys, and who is at work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from msm.errors import UserError
from msm.recipe import Recipe
from msm.recipe_file import load_recipe
from msm.registry.acting_user import acting_user
from msm.registry.reviews import Registry, Reviewed
from msm.review.judge import find_recipe
from msm.review.standing import Signers
from msm.signing.keys import key_id, read_private_key, read_public_key
from msm.signing.settings import Signing


@dataclass(frozen=True)
class Asked:
    """What a command was given besides its argument; empty for what was left out."""

    root: Path
    recipe: Path | None = None
    overrides: Sequence[str] = ()
    profile: str | None = None
    key: str = ""
    trusted: Sequence[str] = ()


def recipe_of(asked: Asked, version: Reviewed) -> Recipe:
    """The recipe that the command names, or that of the version's experiment.

    Raises:
        UserError: there is none.
    """
    if asked.recipe is not None:
        return load_recipe(asked.recipe, list(asked.overrides), asked.profile)
    return find_recipe(asked.root, version.tags.get("msm.experiment", ""))


def recipe_of_model(asked: Asked, registry: Registry, model: str) -> Recipe | None:
    """The recipe that a model's versions were made with; None where none can be found."""
    if asked.recipe is not None:
        return load_recipe(asked.recipe, list(asked.overrides), asked.profile)
    for number in reversed(registry.versions(model) if registry.has_model(model) else ()):
        version = registry.version(model, number)
        if version is not None and version.tags.get("msm.experiment"):
            try:
                return find_recipe(asked.root, version.tags["msm.experiment"])
            except UserError:
                continue
    return None


def signers(asked: Asked, recipe: Recipe | None) -> Signers:
    """The keys of a command that writes to the log.

    Raises:
        UserError: a key cannot be read, or the recipe asks for signatures and there is no key.
    """
    signing = recipe.execution.signing if recipe else Signing()
    private = asked.key or signing.key
    if signing.required and not private:
        raise UserError("the recipe asks for signatures; give the key to sign with (--key)")
    return Signers(read_private_key(private) if private else None, trusted_keys(asked, recipe))


def trusted_keys(asked: Asked, recipe: Recipe | None) -> tuple[ec.EllipticCurvePublicKey, ...]:
    """The keys that entries of the log have to be signed with; none: that is not asked.

    Raises:
        UserError: one cannot be read.
    """
    signing = recipe.execution.signing if recipe else Signing()
    named = [*signing.reviewers, *asked.trusted]
    if signing.public_key:
        named.append(signing.public_key)
    found = [read_public_key(path) for path in named]
    if signing.key and not signing.public_key and Path(signing.key).is_file():
        found.append(read_private_key(signing.key).public_key())
    return tuple({key_id(key): key for key in found}.values())


def person_name(reviewer: str) -> str:
    """Who acts: as given, else as MLflow, git or the system know."""
    return reviewer.strip() or acting_user()
