"""An alias that was set around the gates: told from the log, put back, and set down there."""

from __future__ import annotations

import datetime
import time
import uuid

from msm.registry.reviews import Registry
from msm.review.chain import MOVES, Chain, append, open_chain
from msm.review.entry import Act, Action, Entry
from msm.review.standing import Signers, settle

RECEIVER = "msm webhook"
PATIENCE_SECONDS = 2.0  # a promotion takes its place in the log first, and moves the alias then


class _SettledError(Exception):
    """The alias is where the log says by now."""


def undo_around(
    registry: Registry,
    model: str,
    alias: str,
    signers: Signers,
    guarded: frozenset[str] = frozenset(),
    patience: float = PATIENCE_SECONDS,
) -> Entry | None:
    """Put an alias back where the log says it belongs, if it is elsewhere, and say so in the log.

    An alias that was never promoted through the log is nobody's business here, unless it is among
    the ``guarded`` ones. A promotion that is under way is waited for, ``patience`` seconds.

    Returns:
        The entry; None where the alias is as the log says.

    Raises:
        UserError: the log is broken: then nothing is moved, and `msm audit registry` tells.
    """
    chain = open_chain(registry, model, signers.trusted)
    if alias not in chain.managed() | guarded:
        return None
    if not _strays(registry, chain, model, alias):
        return None
    time.sleep(patience)
    if not _strays(registry, open_chain(registry, model, signers.trusted), model, alias):
        return None

    def act(now: Chain) -> Act:
        set_to = registry.aliases(model).get(alias, "")
        belongs = now.standing().get(alias, "")
        if set_to == belongs:
            raise _SettledError
        version = registry.version(model, set_to) if set_to else None
        # Where it was before the last promotion it may still be, as one was cut off; or again.
        behind = set_to == _last_before(now, alias)
        return Act(
            action=Action.RESTORED if behind else Action.REFUSED,
            model=model,
            alias=alias,
            version=set_to,
            before=belongs,
            actor=RECEIVER,
            reason=_reason(set_to, belongs, behind),
            time=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            identity=version.identity if version else "",
            digest=version.digest if version else "",
            unique=uuid.uuid4().hex,
        )

    try:
        entry = append(registry, model, act, signers.key, signers.trusted)
    except _SettledError:
        return None
    settle(registry, model, alias, signers.trusted)
    return entry


def _strays(registry: Registry, chain: Chain, model: str, alias: str) -> bool:
    wanted, there = chain.standing().get(alias, ""), registry.aliases(model).get(alias, "")
    if there == wanted:
        return False
    # What was promoted and is deleted since cannot be pointed to again.
    return bool(there) or registry.version(model, wanted) is not None


def _last_before(chain: Chain, alias: str) -> str:
    """Where an alias was before the log last moved it; "" too where it was nowhere."""
    moves = [e.act for e in chain.entries if e.act.alias == alias and e.act.action in MOVES]
    return moves[-1].before if moves else ""


def _reason(set_to: str, belongs: str, behind: bool) -> str:
    put = f"put to version {belongs}, as the log says" if belongs else "taken away"
    if behind and set_to:
        return f"at version {set_to}, where it was before the log moved it; {put}"
    if set_to:
        return f"set to version {set_to} without a promotion in the log; {put}"
    return f"removed without a demotion in the log; {put}"
