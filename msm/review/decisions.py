"""Promoting and demoting: green gates, the right person, an entry in the log, and the alias.

The log decides, and the alias follows it: whoever sets an alias reads the log again afterwards, and
sets what the log then says. So of two promotions at the same moment the one that came first in the
log wins, whatever the order in which they reach the alias.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from msm.errors import UserError
from msm.registry.card import DESCRIPTION_LENGTH
from msm.registry.reviews import Registry, Reviewed
from msm.review.chain import Chain, append, open_chain, require_whole
from msm.review.entry import HEX, Act, Action, Entry
from msm.review.settings import Reviewers
from msm.review.standing import Signers, settle
from msm.review.verdict import Verdict

STATUS = "msm.status"
OVERRIDE = "msm.override"  # begins the tag of each override, which its entry's number ends
ENTRY = "msm.review.entry"  # tag of a version: place and hash of the last entry about it


@dataclass(frozen=True)
class Person:
    """Who acts, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Promotion:
    """What is asked for: an alias such as ``champion``, by whom.

    ``seen`` is the version that had it when the judging began, which this one was held against.
    ``override`` asks for it though gates are red.
    """

    alias: str
    seen: str
    person: Person
    override: bool = False


def promote(
    registry: Registry,
    version: Reviewed,
    asked: Promotion,
    verdict: Verdict,
    reviewers: Reviewers,
    signers: Signers,
) -> Entry:
    """Point an alias to a version, by way of the log.

    Args:
        registry: an open registry.
        version: which; its bytes and evidence are those of the verdict.
        asked: alias, person and reason; an override stands in the log, a tag and the card.
        verdict: of exactly this version, made just now.
        reviewers: how many people it takes.
        signers: the keys.

    Returns:
        The entry: ``Action.PROMOTE``, or ``Action.LOST`` where another promotion of the same alias
        came first since the judging began.

    Raises:
        UserError: there is no reason, a gate is red, the reviewer is the author, the alias is
            unusable, or the log is broken.
    """
    author, person = registry.author(version), asked.person
    _check_person(version, person, author, reviewers)
    check_alias(asked.alias)
    if (verdict.model, verdict.version) != (version.model, version.version):
        raise ValueError("the verdict is of another version")
    if not verdict.is_green and not asked.override:
        raise UserError(
            f"{version.reference} is not promoted: red gates: {', '.join(verdict.red)}; see `msm "
            f"gate {version.model}/{version.version}`, or give --override with a --reason"
        )
    overridden = not verdict.is_green
    unique = uuid.uuid4().hex

    def act(now: Chain) -> Act:
        stands = now.standing().get(asked.alias, "")
        return Act(
            action=Action.PROMOTE if stands == asked.seen else Action.LOST,
            model=version.model,
            alias=asked.alias,
            version=version.version,
            before=stands,
            actor=person.name,
            reason=person.reason,
            time=_now(),
            identity=version.identity,
            digest=version.digest,
            author=author,
            verdict=verdict.content_digest,
            overridden=overridden,
            unique=unique,
        )

    entry = append(registry, version.model, act, signers.key, signers.trusted)
    if entry.act.action is Action.LOST:
        return entry
    if overridden:
        _show_override(registry, version, verdict, entry)
    _mark(registry, version, entry, {STATUS: f"promoted as {asked.alias}"})
    settle(registry, version.model, asked.alias, signers.trusted)
    return entry


def demote(registry: Registry, model: str, alias: str, person: Person, signers: Signers) -> Entry:
    """Take an alias away, by way of the log.

    Raises:
        UserError: there is no reason, nothing is promoted under the alias, or the log is broken.
    """
    if not person.reason.strip():
        raise UserError("a demotion has a reason; give --reason")
    chain = open_chain(registry, model, signers.trusted)
    require_whole(chain)
    held = chain.standing().get(alias, "") or registry.aliases(model).get(alias, "")
    if not held:
        raise UserError(f"{model} has no '{alias}' to demote")
    version = registry.version(model, held)

    def act(now: Chain) -> Act:
        return Act(
            action=Action.DEMOTE,
            model=model,
            alias=alias,
            version="",
            before=now.standing().get(alias, held),
            actor=person.name,
            reason=person.reason,
            time=_now(),
            identity=version.identity if version else "",
            digest=version.digest if version else "",
            unique=uuid.uuid4().hex,
        )

    entry = append(registry, model, act, signers.key, signers.trusted)
    if version is not None:
        _mark(registry, version, entry, {STATUS: f"demoted from {alias}"})
    settle(registry, model, alias, signers.trusted)
    return entry


def _check_person(version: Reviewed, person: Person, author: str, reviewers: Reviewers) -> None:
    if not person.reason.strip():
        raise UserError("a promotion has a reason; give --reason")
    if not person.name:
        raise UserError("nobody knows who promotes this; give --reviewer NAME")
    if reviewers is Reviewers.ONE:
        return
    if not author:
        raise UserError(
            f"nothing says who registered {version.reference}, and the recipe asks for two people; "
            "register it again"
        )
    if author.casefold() == person.name.casefold():
        raise UserError(
            f"{person.name} registered {version.reference}, and the recipe asks for two people: "
            "somebody else has to promote it"
        )


def check_alias(alias: str) -> None:
    """Refuse what MLflow takes for no alias.

    Raises:
        UserError: says what is wrong with it.
    """
    plain = alias.replace("-", "").replace("_", "")
    if not plain.isascii() or not plain.isalnum() or alias.lower() == "latest":
        raise UserError(f"'{alias}' is no alias; use letters, digits, - and _, and not 'latest'")
    if alias.lower().startswith("v") and alias[1:].isdigit():
        raise UserError(f"'{alias}' reads like a version's number; choose another alias")


def _show_override(registry: Registry, version: Reviewed, verdict: Verdict, entry: Entry) -> None:
    """A tag, and the first lines of the card: what a reader of the version cannot miss."""
    act = entry.act
    told = f"{act.actor}, {act.time}: {act.reason} (red: {', '.join(verdict.red)})"
    registry.tag(version, {f"{OVERRIDE}.{entry.sequence}": told})
    reason = " ".join(act.reason.split())
    note = (
        f"> **Promoted as {act.alias} against red gates** by {act.actor} on {act.time[:10]} (entry "
        f"{entry.sequence} of the log, {entry.hash[:HEX]}).\n> Red: {', '.join(verdict.red)}.\n"
        f"> Reason: {reason}\n\n"
    )
    registry.describe(version, (note + version.description)[:DESCRIPTION_LENGTH])


def _mark(registry: Registry, version: Reviewed, entry: Entry, tags: Mapping[str, str]) -> None:
    registry.tag(version, {**tags, ENTRY: f"{entry.sequence}:{entry.hash}"})


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
