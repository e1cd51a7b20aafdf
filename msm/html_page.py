"""Pages of one HTML file: templates and style sheets of ours, and data, which is escaped."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from msm.errors import UserError


def templates(folder: Path) -> Environment:
    """The templates of a folder; a name that one of them lacks is an error."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def style(*sheets: Path) -> Markup:
    """Style sheets of ours, to stand in a page as they are."""
    return Markup("\n").join(Markup(sheet.read_text(encoding="utf-8")) for sheet in sheets)


def write_html(text: str, file: Path) -> None:
    """Write a page.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror}; name another file") from None
