"""What is wrong in the registry itself: for ``msm audit registry``.

``audit_registry(registry, trusted)`` looks at every registered model, and at every log of a model
that is no longer registered. It returns a list of ``RegistryFinding``, faults first within each
model; an empty list says that aliases, versions, tags and logs agree. ``registry`` is what
``msm.registry.reviews.open_registry(uri)`` opens; ``trusted`` are the public keys that the log's
entries have to be signed with (``msm.signing.keys.read_public_key``), none to leave that out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric import ec

from msm.errors import UserError
from msm.registry.review_log import logged_models
from msm.registry.reviews import Registry
from msm.review.chain import Chain, open_chain
from msm.review.decisions import OVERRIDE
from msm.review.entry import Action
from msm.review.verdict import verdict_name


class Kind(StrEnum):
    """What is wrong."""

    CHAIN = "broken log"
    NOWHERE = "alias points nowhere"
    AROUND = "alias is not where the log says"
    DELETED = "version deleted"
    CHANGED = "version changed since it was promoted"
    HIDDEN = "override hidden"
    MODEL = "model deleted"
    VERDICT = "verdict missing"
    SPARE = "file in the log that no place names"


# What a person has to know, and what breaks no trust: a version that was never promoted may go.
NOTES = frozenset({Kind.SPARE})


@dataclass(frozen=True)
class RegistryFinding:
    """One thing that is wrong; ``where`` is a model, version, alias or file, as MLflow names it."""

    kind: Kind
    model: str
    where: str
    message: str

    @property
    def is_fault(self) -> bool:
        """Whether the verdict is red for it; a note, otherwise."""
        return self.kind not in NOTES


def audit_registry(
    registry: Registry, trusted: Sequence[ec.EllipticCurvePublicKey] = ()
) -> list[RegistryFinding]:
    """All that is wrong with the registry's models and their logs.

    Raises:
        UserError: MLflow cannot be asked.
    """
    registered = registry.models()
    gone = [model for model in logged_models(registry) if model not in registered]
    found = [
        RegistryFinding(
            Kind.MODEL, model, model, f"{model} has a log of promotions and is not registered"
        )
        for model in gone
    ]
    for model in (*registered, *gone):
        try:
            chain = open_chain(registry, model, trusted)
        except UserError as error:  # the log is deleted
            found.append(RegistryFinding(Kind.CHAIN, model, model, str(error)))
            continue
        found += _chain_faults(chain)
        if model in registered:
            found += _alias_faults(registry, chain)
            found += _version_faults(registry, chain)
        found += _notes(chain)
    return found


def _chain_faults(chain: Chain) -> Iterator[RegistryFinding]:
    for fault in chain.faults:
        yield RegistryFinding(Kind.CHAIN, chain.model, f"log of {chain.model}", fault)


def _alias_faults(registry: Registry, chain: Chain) -> Iterator[RegistryFinding]:
    standing, aliases = chain.standing(), registry.aliases(chain.model)
    for alias in sorted({*aliases, *standing}):
        there, wanted = aliases.get(alias, ""), standing.get(alias, "")
        where = f"{chain.model}@{alias}"
        if there and registry.version(chain.model, there) is None:
            told = f"{where} points to version {there}, which is not there"
            yield RegistryFinding(Kind.NOWHERE, chain.model, where, told)
        elif wanted and registry.version(chain.model, wanted) is None:
            told = f"version {wanted}, promoted as {alias}, is deleted, and the alias with it"
            yield RegistryFinding(Kind.NOWHERE, chain.model, where, told)
        elif chain.faults or (alias not in chain.managed() and not wanted):
            continue  # what a broken log says of aliases is worth nothing; others are not its own
        elif there != wanted:
            told = f"{where} is {_named(there)}; by the log it is {_named(wanted)}"
            yield RegistryFinding(Kind.AROUND, chain.model, where, told)


def _version_faults(registry: Registry, chain: Chain) -> Iterator[RegistryFinding]:
    """Versions that the log speaks of: still there, and still what was promoted."""
    deleted: set[str] = set()
    for entry in chain.entries:
        act = entry.act
        if act.action is not Action.PROMOTE:
            continue
        where = f"models:/{chain.model}/{act.version}"
        version = registry.version(chain.model, act.version)
        if version is None:
            if act.version not in deleted:
                deleted.add(act.version)
                told = f"{where} is deleted; entry {entry.sequence} promoted it as {act.alias}"
                yield RegistryFinding(Kind.DELETED, chain.model, where, told)
            continue
        for name, now, then in (
            ("msm.identity", version.identity, act.identity),
            ("msm.digest", version.digest, act.digest),
        ):
            if now != then:
                told = f"tag {name} of {where} is {now[:12]}; promoted was {then[:12]}"
                yield RegistryFinding(Kind.CHANGED, chain.model, where, told)
        if act.overridden and act.reason not in version.tags.get(
            f"{OVERRIDE}.{entry.sequence}", ""
        ):
            told = f"{where} was promoted against red gates, and its tag no longer says so"
            yield RegistryFinding(Kind.HIDDEN, chain.model, where, told)
        if not registry.has_artifact(version, verdict_name(act.verdict)):
            told = f"the verdict that entry {entry.sequence} rests on is not with {where}"
            yield RegistryFinding(Kind.VERDICT, chain.model, where, told)


def _notes(chain: Chain) -> Iterator[RegistryFinding]:
    for name in chain.spare:
        told = f"log/{name} has no place: its writer came second, or was stopped"
        yield RegistryFinding(Kind.SPARE, chain.model, f"log/{name}", told)


def _named(version: str) -> str:
    return f"version {version}" if version else "nowhere"
