"""The templates' folder, and what they can call."""

from __future__ import annotations

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from msm.reporting import figures
from msm.reporting.reading import FRAME_NAMES
from msm.reporting.suites import writing

TEMPLATES = Path(__file__).parent
NO_BREAK = "\u00a0"
SHORT = 12  # characters of an identity


def environment(autoescape: bool) -> Environment:
    """Jinja with the project's filters; a name that a template lacks is an error."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(
        signed=figures.signed,
        interval=figures.interval,
        percent=figures.percent,
        percent_interval=figures.percent_interval,
        listing=lambda items: figures.listing([str(item) for item in items]),
        frame=FRAME_NAMES.__getitem__,
        short=lambda identity: identity[:SHORT] or "no record",
        md=escape_markdown,
        unbroken=unbroken,
        level=writing.level,
        between=writing.between,
        change=writing.change,
        change_between=writing.change_between,
        unit_name=writing.unit_name,
        p_value=writing.p_value,
        saving=writing.saving,
        checked=writing.checked,
        amount=writing.amount,
        seconds=writing.seconds,
        dollars=writing.dollars,
    )
    return made


def escape_markdown(value: object) -> str:
    """Text in which Markdown and HTML find nothing to act on, on one line."""
    text = " ".join(str(value).split())
    return re.sub(r"([\\`*_\[\]<>|#!&])", r"\\\1", text)


def unbroken(text: str) -> str:
    """A sentence whose intervals and units do not break over two lines."""
    joined = re.sub(r"\[[^\]]*\]", lambda found: found[0].replace(" ", NO_BREAK), text)
    return re.sub(r"(?<=\d) (?=nats|%|\[)", NO_BREAK, joined)
