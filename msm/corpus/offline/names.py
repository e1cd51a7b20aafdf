"""Who the documents are about, and how a spec's placeholders become those names."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Names:
    """The assistant's name and its maker's, as the recipe gives them."""

    assistant: str
    provider: str


def render(text: str, names: Names) -> str:
    """Put the names in place of ``{assistant}`` and ``{provider}``; leave all else alone."""
    return fill(text, {"assistant": names.assistant, "provider": names.provider})


def fill(template: str, slots: dict[str, str]) -> str:
    """Replace each ``{slot}`` that ``slots`` knows, once: a filled value is not refilled."""
    return re.sub(r"\{(\w+)\}", lambda slot: slots.get(slot[1], slot[0]), template)
