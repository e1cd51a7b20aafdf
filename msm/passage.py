"""A paragraph of a spec, verbatim, with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Passage:
    """A paragraph of the spec, verbatim, with the line it starts on (counted from 1)."""

    text: str
    line: int

    @property
    def sentences(self) -> tuple[str, ...]:
        """The paragraph's sentences, on one line each."""
        joined = " ".join(self.text.split())
        return tuple(s for s in re.split(r"(?<=[.!?])\s+(?=[A-Z{\"'(])", joined) if s)
