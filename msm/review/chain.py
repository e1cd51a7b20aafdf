"""The log of promotions of a model: entries in a chain of hashes, each in a place taken once.

An entry is written first, as a file of its own, and counts when its place is taken for it, which
MLflow lets happen once (``msm.registry.review_log``). Who comes second reads what came first and
tries the next place. A process that is killed in between leaves a file that nothing names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from msm.errors import UserError
from msm.registry.review_log import (
    LogRun,
    Stored,
    begin_log,
    find_log,
    read_log,
    take_place,
    write_entry,
)
from msm.registry.reviews import Registry
from msm.review.entry import (
    BEGINNING,
    HEX,
    Act,
    Action,
    Entry,
    is_signed_by,
    make_entry,
    parse_entry,
)
from msm.signing.keys import key_id

HEAD = "msm.review.head"  # tag of a registered model: place and hash of the log's last entry
_MOST_TRIES = 100
MOVES = (Action.PROMOTE, Action.DEMOTE)


@dataclass(frozen=True)
class Chain:
    """A log: its entries in order up to the first fault, and every fault, one line each.

    ``spare`` are files that no place names: what a process wrote that came second, or was killed.
    """

    model: str
    entries: tuple[Entry, ...]
    faults: tuple[str, ...]
    spare: tuple[str, ...] = ()

    @property
    def head(self) -> str:
        """The hash of the last entry."""
        return self.entries[-1].hash if self.entries else BEGINNING

    def standing(self) -> dict[str, str]:
        """The version that each alias is to point to, by its last promotion or demotion."""
        found: dict[str, str] = {}
        for entry in self.entries:
            if entry.act.action is Action.PROMOTE:
                found[entry.act.alias] = entry.act.version
            elif entry.act.action is Action.DEMOTE:
                found.pop(entry.act.alias, None)
        return found

    def managed(self) -> frozenset[str]:
        """Every alias that was ever promoted through the log."""
        return frozenset(e.act.alias for e in self.entries if e.act.action in MOVES)


def open_chain(
    registry: Registry, model: str, trusted: Sequence[ec.EllipticCurvePublicKey] = ()
) -> Chain:
    """Read and check the log of a model.

    Args:
        registry: an open registry.
        model: a registered model's name.
        trusted: the keys of those who may act; where there are any, every entry has to be signed
            by one of them.
    """
    log = find_log(registry, model)
    tag = registry.model_tag(model, HEAD) if registry.has_model(model) else ""
    if log is None:
        lost = (f"the log of {model} is gone; it had reached entry {tag}",) if tag else ()
        return Chain(model, (), lost)
    return _checked(model, read_log(registry, log), tag, trusted)


def require_whole(chain: Chain) -> None:
    """Refuse to add to a log that is not of one piece.

    Raises:
        UserError: names the first fault.
    """
    if chain.faults:
        raise UserError(
            f"the log of {chain.model} is not of one piece: {chain.faults[0]}; nothing is added to "
            "it; see `msm history` and `msm audit registry`"
        )


def append(
    registry: Registry,
    model: str,
    act_on: Callable[[Chain], Act],
    key: ec.EllipticCurvePrivateKey | None,
    trusted: Sequence[ec.EllipticCurvePublicKey] = (),
) -> Entry:
    """Add an act to the log. ``act_on`` is asked again each time another act came first.

    Raises:
        UserError: the log is broken, or so many others are at it that no place can be had.
    """
    _check_key(key, trusted)
    log = begin_log(registry, model)
    for _ in range(_MOST_TRIES):
        chain = open_chain(registry, model, trusted)
        require_whole(chain)
        number = len(chain.entries) + 1
        entry = make_entry(number, chain.head, act_on(chain), key)
        write_entry(registry, log, entry.name, entry.text)
        if take_place(registry, log, number, entry.hash):
            _note_head(registry, log, entry)
            return entry
    raise UserError(f"the log of {model} is being written by others all the time; run again")


def _check_key(
    key: ec.EllipticCurvePrivateKey | None, trusted: Sequence[ec.EllipticCurvePublicKey]
) -> None:
    """Add nothing that nobody would believe: it would break the log for good."""
    if not trusted:
        return
    if key is None:
        raise UserError("entries of this log are signed; give the private key to sign with (--key)")
    if key_id(key.public_key()) not in {key_id(each) for each in trusted}:
        raise UserError(
            "the log takes no entries of this key; name its public key in the recipe's "
            "execution.signing.reviewers first"
        )


def _note_head(registry: Registry, log: LogRun, entry: Entry) -> None:
    """Leave the head beside the log too, so that a log cut short, or deleted, is missed."""
    noted, _, _ = registry.model_tag(log.model, HEAD).partition(":")
    if not noted.isdigit() or int(noted) < entry.sequence:
        registry.tag_model(log.model, HEAD, f"{entry.sequence}:{entry.hash}")


def _checked(
    model: str, stored: Stored, tag: str, trusted: Sequence[ec.EllipticCurvePublicKey]
) -> Chain:
    entries: list[Entry] = []
    faults: list[str] = []
    previous = BEGINNING
    for number in range(1, max(stored.claims, default=0) + 1):
        digest = stored.claims.get(number)
        if digest is None:
            faults.append(f"entry {number} has no place in the log's run")
            break
        name = _file_name(number, digest)
        fault, entry = _read(number, digest, previous, stored.texts.get(name), name)
        if entry is not None and not fault:
            fault = _signature_fault(entry, trusted)
        if entry is None or fault:
            faults.append(fault)
            break
        entries.append(entry)
        previous = entry.hash
    faults += _head_fault(model, tag, entries) if not faults else []
    named = {_file_name(number, digest) for number, digest in stored.claims.items()}
    spare = tuple(sorted(set(stored.texts) - named))
    return Chain(model, tuple(entries), tuple(faults), spare)


def _file_name(number: int, digest: str) -> str:
    return f"{number:08d}-{digest[:HEX]}.json"


def _read(
    number: int, digest: str, previous: str, text: str | None, name: str
) -> tuple[str, Entry | None]:
    if text is None:
        return f"log/{name} is missing", None
    entry = parse_entry(text)
    if entry is None or entry.hash != digest:
        return f"log/{name} was changed: its hash is not that of its place", None
    if entry.sequence != number or entry.previous != previous:
        return f"log/{name} does not follow the entry before it", None
    return "", entry


def _signature_fault(entry: Entry, trusted: Sequence[ec.EllipticCurvePublicKey]) -> str:
    if not trusted or any(is_signed_by(entry, key) for key in trusted):
        return ""
    return f"log/{entry.name} is signed by none of the trusted keys"


def _head_fault(model: str, tag: str, entries: Sequence[Entry]) -> list[str]:
    """Whether the log reaches what the registered model's tag says it had reached."""
    number, _, digest = tag.partition(":")
    if not tag:
        return []
    if not number.isdigit() or int(number) < 1:
        return [f"tag {HEAD} of {model} was changed: {tag}"]
    if int(number) > len(entries):
        return [f"the log of {model} ends at entry {len(entries)}; it had reached {number}"]
    if entries[int(number) - 1].hash != digest:
        return [f"entry {number} of the log of {model} is not the one that tag {HEAD} names"]
    return []
