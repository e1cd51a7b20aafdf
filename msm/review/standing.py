"""Where an alias is to point, by the log, and making it so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from msm.errors import UserError
from msm.registry.reviews import Registry
from msm.review.chain import open_chain, require_whole

_MOST_ROUNDS = 20


@dataclass(frozen=True)
class Signers:
    """The key that entries are signed with, if any, and those that the log is verified with."""

    key: ec.EllipticCurvePrivateKey | None = None
    trusted: tuple[ec.EllipticCurvePublicKey, ...] = ()


def standing(registry: Registry, model: str, alias: str, signers: Signers) -> str:
    """The version that an alias is to point to, by the log.

    Raises:
        UserError: the log is broken.
    """
    chain = open_chain(registry, model, signers.trusted)
    require_whole(chain)
    return chain.standing().get(alias, "")


def settle(
    registry: Registry,
    model: str,
    alias: str,
    trusted: Sequence[ec.EllipticCurvePublicKey] = (),
) -> str:
    """Make an alias what the log says, and see whether the log has moved on meanwhile.

    Somebody who set the alias late sets it again, to what the log says by then. An alias that
    strays after that was moved around the log, which is not to be hushed up here.

    Returns:
        The version; "" for none.

    Raises:
        UserError: the log is broken, or moves on all the time.
    """
    done: str | None = None
    for _ in range(_MOST_ROUNDS):
        chain = open_chain(registry, model, trusted)
        require_whole(chain)
        wanted = chain.standing().get(alias, "")
        there = registry.aliases(model).get(alias, "")
        if wanted in (there, done):
            return wanted
        done = wanted
        if wanted and registry.version(model, wanted) is not None:
            registry.set_alias(model, alias, wanted)
        elif there:
            registry.remove_alias(model, alias)
        else:
            return ""  # the version was deleted since, and nothing can be pointed to
    raise UserError(f"'{alias}' of {model} is promoted by others all the time; see msm history")
