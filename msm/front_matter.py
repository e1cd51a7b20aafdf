"""The head of a spec file: a few ``key: value`` lines between two lines of dashes."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from msm.errors import UserError


def front_matter(text: str, where: str, keys: Sequence[str]) -> tuple[dict[str, str], int]:
    """The head as strings, and the number of lines it takes; ``where`` names the file in errors.

    Raises:
        UserError: there is no head, or one of ``keys`` is missing from it.
    """
    meta, length = optional_front_matter(text)
    if length == 0:
        wanted = "".join(f"'{key}: …', " for key in keys)
        raise UserError(f"{where}:1: no front matter; start with '---', {wanted}'---'")
    for key in keys:
        if not meta.get(key):
            raise UserError(f"{where}:1: the front matter lacks '{key}: …'")
    return meta, length


def optional_front_matter(text: str) -> tuple[dict[str, str], int]:
    """The head as strings and the number of lines it takes; empty and 0 where there is none."""
    lines = text.splitlines()
    stripped = [line.strip() for line in lines]
    if not lines or stripped[0] != "---" or "---" not in stripped[1:]:
        return {}, 0
    end = stripped.index("---", 1)
    try:
        meta = yaml.safe_load("\n".join(lines[1:end])) or {}
    except yaml.YAMLError:
        meta = {}
    if not isinstance(meta, dict):
        meta = {}
    return {key: str(value or "").strip() for key, value in meta.items()}, end + 1
