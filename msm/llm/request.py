"""What is asked of a model, and what comes back."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Request:
    """One question to a model.

    ``key`` names it within its stage, the same in every run; ``salt`` goes to the server as the
    seed, so that two requests with one text are not answered alike by a cache. ``system`` comes
    first and is the same for many requests, so that servers can keep its prefix.
    """

    key: str
    system: str
    user: str
    maximum_tokens: int
    salt: int = 0

    @property
    def digest(self) -> str:
        """SHA-256 over all that the server sees, so that an answer never serves another text."""
        parts = (self.system, self.user, str(self.maximum_tokens), str(self.salt))
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


class Stop(StrEnum):
    """Why an answer ended."""

    FINISHED = "finished"
    TRUNCATED = "truncated"
    REFUSED = "refused"


@dataclass(frozen=True)
class Answer:
    """One finished answer. Tokens as the server counts them; ``retries`` are tries that failed."""

    key: str
    digest: str
    text: str
    stop: Stop
    tokens_in: int
    tokens_cached: int
    tokens_out: int
    seconds: float
    retries: int


REFUSAL = re.compile(
    r"\s*(i['’]m sorry|i am sorry|sorry,|i can(no|['’])t|i won['’]t|i am unable)", re.IGNORECASE
)


def is_refusal(text: str) -> bool:
    """Whether an answer that lacks the form asked for begins as a refusal does."""
    return REFUSAL.match(text) is not None


class UnusableError(Exception):
    """An answer is not in the form that was asked for; the message says what is wrong with it."""


class NoAnswerError(Exception):
    """The server failed so many tries of one request; the message says how."""

    def __init__(self, detail: str, tries: int) -> None:
        super().__init__(detail)
        self.tries = tries


class Fault(StrEnum):
    """Why a row could not be made."""

    TRUNCATED = "truncated"
    REFUSED = "refused"
    EMPTY = "empty"
    UNPARSABLE = "unparsable"
    NO_ANSWER = "no answer"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Failure:
    """A row that could not be made: its id, the last fault, and how many answers were tried."""

    id: str
    reason: Fault
    detail: str
    answers: int
