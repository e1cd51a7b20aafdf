"""The page: one HTML file without scripts or remote parts, and the same in Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from msm.reporting.forest import LOG_PROBABILITIES, NARROW, WIDE, Entry, Layout, lay_out
from msm.reporting.pairs import Pairs
from msm.reporting.scores import Source
from msm.reporting.suites.plots import draw_plots
from msm.reporting.suites.view import SuitesView
from msm.reporting.templates import TEMPLATES, environment


@dataclass(frozen=True)
class Page:
    """Everything the page says; the templates add layout and nothing else.

    ``pairs`` and ``suites`` are its two parts, either of which may be missing.
    """

    experiment: str
    summary: str
    assistant: str
    specs: tuple[str, ...]
    seeds: tuple[int, ...]
    resamples: int
    verdict: str
    seeds_statement: str
    arm_count: int
    measured: tuple[str, ...]
    threats: tuple[str, ...]
    notes: tuple[str, ...]
    sources: tuple[Source, ...]
    pairs: Pairs | None
    suites: SuitesView | None


def write_pages(page: Page, out: Path) -> None:
    """Write ``report.html``, ``report.md``, and the plots as files of their own."""
    html = environment(autoescape=True)
    plain = environment(autoescape=False)
    # Ours, not data.
    style = Markup((TEMPLATES / "report.css").read_text(encoding="utf-8"))
    forest_style = Markup((TEMPLATES / "forest.css").read_text(encoding="utf-8"))
    styles = [style, forest_style]
    plots: tuple[Markup, ...] = ()
    drawn = draw_plots(page.suites, html) if page.suites else None
    if page.pairs:
        plots = tuple(_forest(page.pairs, layout, "", html) for layout in (WIDE, NARROW))
        file = _forest(page.pairs, WIDE, forest_style, html)
        (out / "forest.svg").write_text(file, encoding="utf-8")
    if drawn:
        for name in ("suites.css", "scaling.css"):
            styles.append(Markup((TEMPLATES / "suites" / name).read_text(encoding="utf-8")))
        for name, svg in drawn.files.items():
            (out / name).write_text(svg, encoding="utf-8")
    told = {"page": page, "pairs": page.pairs, "suites": page.suites, "drawn": drawn}
    text = html.get_template("report.html.jinja").render(
        **told, style=Markup("\n").join(styles), plots=plots
    )
    (out / "report.html").write_text(text, encoding="utf-8")
    markdown = plain.get_template("report.md.jinja").render(**told)
    (out / "report.md").write_text(markdown, encoding="utf-8")


def _forest(pairs: Pairs, layout: Layout, style: str, html: Environment) -> Markup:
    entries = [Entry(r.contrast.label, r.overall, r.axes) for r in pairs.headline]
    plot = lay_out(entries, layout, LOG_PROBABILITIES)
    return Markup(html.get_template("forest.svg.jinja").render(plot=plot, style=style))
