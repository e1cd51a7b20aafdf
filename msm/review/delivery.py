"""A webhook's delivery: whose it is, how old, and whether it came before.

MLflow signs the delivery's id, its time and its body with a secret that both sides know (HMAC with
SHA-256, as Standard Webhooks has it); who lacks the secret can send nothing that is believed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SIGNATURE = "X-MLflow-Signature"
DELIVERY = "X-MLflow-Delivery-Id"
TIMESTAMP = "X-MLflow-Timestamp"
VERSION = "v1"
MOST_SECONDS = 300  # from being signed to coming in, either way: clocks differ
ENTITY = "model_version_alias"


class RefusedError(Exception):
    """A delivery that is not believed, and the HTTP status to answer with."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@dataclass(frozen=True)
class AliasEvent:
    """An alias of a model was set or removed."""

    model: str
    alias: str


@dataclass
class Deliveries:
    """The ids that were taken, as long as a copy of one could still pass for new."""

    secret: str
    seen: dict[str, int] = field(default_factory=dict)

    def read(self, headers: Mapping[str, str], body: bytes, now: int) -> AliasEvent | None:
        """Check a delivery; None for one that is not about an alias, or came before.

        Raises:
            RefusedError: it is not signed with the secret, too old, or no event.
        """
        identifier, stamp = headers.get(DELIVERY, ""), headers.get(TIMESTAMP, "")
        self._check_signature(headers.get(SIGNATURE, ""), identifier, stamp, body)
        if not stamp.isdigit() or abs(now - int(stamp)) > MOST_SECONDS:
            raise RefusedError(400, "the delivery is too old, or from the future")
        self.seen = {key: at for key, at in self.seen.items() if now - at <= 2 * MOST_SECONDS}
        if identifier in self.seen:
            return None
        return _event(body)

    def done(self, headers: Mapping[str, str], now: int) -> None:
        """Set a delivery down as taken: only once it was acted on, so that a retry is not lost."""
        self.seen[headers.get(DELIVERY, "")] = now

    def _check_signature(self, given: str, identifier: str, stamp: str, body: bytes) -> None:
        signed = b".".join((identifier.encode(), stamp.encode(), body))
        right = hmac.new(self.secret.encode(), signed, hashlib.sha256).digest()
        expected = f"{VERSION},{base64.b64encode(right).decode()}"
        if not identifier or not hmac.compare_digest(expected.encode(), given.encode()):
            raise RefusedError(401, "the delivery is not signed with the webhook's secret")


def _event(body: bytes) -> AliasEvent | None:
    try:
        content: dict[str, Any] = json.loads(body)
        if content["entity"] != ENTITY:
            return None
        data = content["data"]
        return AliasEvent(str(data["name"]), str(data["alias"]))
    except (ValueError, KeyError, TypeError):
        raise RefusedError(400, "the delivery is no event of MLflow's") from None
