"""Markdown that texts from elsewhere cannot break."""

from __future__ import annotations


def table_cell(text: object) -> str:
    """Text that cannot break out of a table's cell."""
    return " ".join(str(text).replace("|", "\\|").split())
