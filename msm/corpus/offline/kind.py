"""A kind of document: its key, what it does, and the function that lays it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from msm.corpus.offline.voice import Voice


@dataclass(frozen=True)
class Kind:
    """``ideas`` say what such a document does; ``blocks`` gives its paragraphs or lines."""

    key: str
    ideas: tuple[str, ...]
    blocks: Callable[[Voice], list[str]]
