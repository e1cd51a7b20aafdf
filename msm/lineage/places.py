"""Where something lies now that a record names by the path it had then."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msm.lineage.graph import NodeKind

_WEIGHTS = ("student", "checkpoint", "author", "judge", "embeddings")
_ITEMS = ("suite", "prompts")
_SPECS = ("spec", "other")
LEAST_PARTS = 2  # of a path's end that are looked for elsewhere: a bare file name is no clue


def kind_of(role: str) -> NodeKind:
    """What an input that no stage made is, by the role it was read in."""
    word = role.partition("-")[0]
    if role in _WEIGHTS:
        return NodeKind.STUDENT
    if word in _SPECS:
        return NodeKind.SPEC
    return NodeKind.ITEMS if word in _ITEMS else NodeKind.FILE


def find_place(recorded: str, root: Path) -> str:
    """The path where it was recorded, or where the same end of it lies in a workspace or the cache.

    So a checkout that was moved, or another user's home, still has its specs and students. Nothing
    is hashed here: that the content is the same is for the audit to say. "" if nothing is there.
    """
    path = Path(recorded)
    here = path if path.is_absolute() else root / path
    if here.exists():
        return str(here)
    from msm.training.student import cache_folder  # with all that reads recipes

    parts = path.parts[1:] if path.is_absolute() else path.parts
    return _by_end(parts, (root, cache_folder(), cache_folder().parent))


def _by_end(parts: Sequence[str], roots: Sequence[Path]) -> str:
    """The longest end of a path that lies below one of the folders."""
    for start in range(len(parts) - LEAST_PARTS + 1):
        for root in roots:
            found = root.joinpath(*parts[start:])
            if found.exists():
                return str(found)
    return ""
