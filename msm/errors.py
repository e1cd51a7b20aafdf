"""Faults a user can cause, and being asked to stop."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Something the user can put right: what was wrong, where, and what to do, in one line.

    The command line prints the message and exits with code 2; every other exception is a fault
    of ours and keeps its traceback.
    """


class Interrupted(BaseException):
    """Somebody asked the process to stop, and it did, in good order: no fault, and no success.

    Not an ``Exception``, as KeyboardInterrupt is none: nothing that bears faults may bear this.
    The command line prints the message and exits as a shell says that a signal ended a process.
    """

    def __init__(self, message: str, number: int) -> None:
        """``number`` is the signal's."""
        super().__init__(message, number)
        self.message, self.exit_code = message, 128 + number

    def __str__(self) -> str:
        return self.message


KNOWN_SHOWN = 12  # names in a message; more do not help to find a mistake


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the closest known word, or the list of known words."""
    choices = sorted(known)
    close = difflib.get_close_matches(word, choices, n=1, cutoff=0.5)
    if close:
        return f"; did you mean '{close[0]}'?"
    more = len(choices) - KNOWN_SHOWN
    rest = f" and {more} more" if more > 0 else ""
    return f"; known: {', '.join(choices[:KNOWN_SHOWN])}{rest}" if choices else ""
