"""An entry of the log of promotions: what was done, by whom, why; bound to the one before it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from msm.identity import canonical_json
from msm.signing.keys import holds, key_id, sign_bytes

FORMAT = 1
BEGINNING = "0" * 64  # what the first entry names as the one before it
HEX = 12  # characters of its hash in the name of an entry's file


class Action(StrEnum):
    """What was done, or tried."""

    PROMOTE = "promote"
    DEMOTE = "demote"
    LOST = "lost"  # a promotion that came second: the alias had moved since it was judged
    REFUSED = "refused"  # an alias set around the gates, which was put back
    RESTORED = "restored"  # an alias removed or moved around the log, which was put back


@dataclass(frozen=True)
class Act:
    """What somebody did. ``version`` is empty where an alias was taken away.

    ``before`` is the version that the alias had pointed to, as far as the log says. ``verdict`` is
    the digest of the gates' verdict; ``overridden`` says that it was red, and ``reason`` why the
    version was promoted all the same.
    """

    action: Action
    model: str
    alias: str
    version: str
    before: str
    actor: str
    reason: str
    time: str
    identity: str = ""
    digest: str = ""
    author: str = ""
    verdict: str = ""
    overridden: bool = False
    unique: str = ""


@dataclass(frozen=True)
class Entry:
    """An act in its place; ``text`` is the very line that was hashed, signature and all."""

    sequence: int
    previous: str
    act: Act
    key: str
    signature: str
    text: str

    @property
    def hash(self) -> str:
        """SHA-256 of the line: what the next entry, and the place in the log, hold."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.sequence:08d}-{self.hash[:HEX]}.json"


def make_entry(
    sequence: int, previous: str, act: Act, key: ec.EllipticCurvePrivateKey | None
) -> Entry:
    """An entry for a place in the log, signed where there is a key."""
    body = _body(sequence, previous, act)
    if key is None:
        signed = {"key": "", "signature": ""}
    else:
        made = sign_bytes(key, canonical_json(body).encode())
        signed = {"key": key_id(key.public_key()), "signature": base64.b64encode(made).decode()}
    text = canonical_json({**body, **signed})
    return Entry(sequence, previous, act, signed["key"], signed["signature"], text)


def parse_entry(text: str) -> Entry | None:
    """An entry from its line; None for what is none."""
    try:
        raw: dict[str, Any] = json.loads(text)
        act = Act(**{**raw["act"], "action": Action(raw["act"]["action"])})
        if raw["format"] != FORMAT or set(raw) != {*_body(0, "", act), "key", "signature"}:
            return None
        return Entry(
            int(raw["sequence"]), str(raw["previous"]), act, raw["key"], raw["signature"], text
        )
    except (ValueError, KeyError, TypeError):
        return None


def is_signed_by(entry: Entry, key: ec.EllipticCurvePublicKey) -> bool:
    """Whether an entry's signature is that key's, and of this entry in this place."""
    if entry.key != key_id(key):
        return False
    try:
        signature = base64.b64decode(entry.signature, validate=True)
    except (ValueError, binascii.Error):
        return False
    body = _body(entry.sequence, entry.previous, entry.act)
    return holds(key, signature, canonical_json(body).encode())


def _body(sequence: int, previous: str, act: Act) -> dict[str, Any]:
    fields = {**asdict(act), "action": act.action.value}
    return {"format": FORMAT, "sequence": sequence, "previous": previous, "act": fields}
