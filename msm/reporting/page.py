"""The page: one HTML file without scripts or remote parts, and the same in Markdown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from msm.reporting import figures
from msm.reporting.arms import ArmRow
from msm.reporting.contrasts import ContrastResult, NotRun
from msm.reporting.forest import NARROW, WIDE, Layout, lay_out
from msm.reporting.reading import FRAME_NAMES, Answer
from msm.reporting.scores import Source

_HERE = Path(__file__).parent
NO_BREAK = "\u00a0"
SHORT = 12  # characters of an identity


@dataclass(frozen=True)
class Page:
    """Everything the page says; the templates add layout and nothing else."""

    experiment: str
    summary: str
    assistant: str
    specs: tuple[str, ...]
    axes: tuple[str, ...]
    in_domain: str | None
    seeds: tuple[int, ...]
    resamples: int
    verdict: str
    seeds_statement: str
    manipulation: str
    answers: tuple[Answer, ...]
    contrasts: tuple[ContrastResult, ...]
    left_out: tuple[NotRun, ...]
    arms: tuple[ArmRow, ...]
    measured: tuple[str, ...]
    threats: tuple[str, ...]
    notes: tuple[str, ...]
    sources: tuple[Source, ...]

    @property
    def headline(self) -> tuple[ContrastResult, ...]:
        """The contrasts the recipe puts first; all of them where it names none."""
        chosen = tuple(result for result in self.contrasts if result.contrast.headline)
        return chosen or self.contrasts

    @property
    def further(self) -> tuple[ContrastResult, ...]:
        """The rest."""
        return tuple(result for result in self.contrasts if result not in self.headline)

    @property
    def control_arms(self) -> tuple[ArmRow, ...]:
        """Arms whose spec belongs to no axis, such as a shuffled one."""
        return tuple(arm for arm in self.arms if arm.control)

    @property
    def control_contrasts(self) -> tuple[ContrastResult, ...]:
        """Contrasts that name such an arm."""
        return tuple(result for result in self.contrasts if result.control)


def write_pages(page: Page, out: Path) -> None:
    """Write ``report.html``, ``report.md`` and ``forest.svg``."""
    html = _environment(autoescape=True)
    plain = _environment(autoescape=False)
    style = Markup((_HERE / "report.css").read_text(encoding="utf-8"))  # ours, not data
    forest_style = Markup((_HERE / "forest.css").read_text(encoding="utf-8"))

    def forest(layout: Layout, style: str) -> Markup:
        plot = lay_out(page.headline, layout)
        template = html.get_template("forest.svg.jinja")
        return Markup(template.render(plot=plot, style=style))

    text = html.get_template("report.html.jinja").render(
        page=page,
        style=Markup("\n").join([style, forest_style]),
        plots=(forest(WIDE, ""), forest(NARROW, "")),
    )
    (out / "report.html").write_text(text, encoding="utf-8")
    (out / "forest.svg").write_text(forest(WIDE, forest_style), encoding="utf-8")
    markdown = plain.get_template("report.md.jinja").render(page=page)
    (out / "report.md").write_text(markdown, encoding="utf-8")


def _environment(autoescape: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        signed=figures.signed,
        interval=figures.interval,
        percent=figures.percent,
        percent_interval=figures.percent_interval,
        listing=lambda items: figures.listing([str(item) for item in items]),
        frame=FRAME_NAMES.__getitem__,
        short=lambda identity: identity[:SHORT] or "no record",
        md=escape_markdown,
        unbroken=unbroken,
    )
    return environment


def escape_markdown(value: object) -> str:
    """Text in which Markdown and HTML find nothing to act on, on one line."""
    text = " ".join(str(value).split())
    return re.sub(r"([\\`*_\[\]<>|#!&])", r"\\\1", text)


def unbroken(text: str) -> str:
    """A sentence whose intervals and units do not break over two lines."""
    joined = re.sub(r"\[[^\]]*\]", lambda found: found[0].replace(" ", NO_BREAK), text)
    return re.sub(r"(?<=\d) (?=nats|%|\[)", NO_BREAK, joined)
