"""The suites' plots: a forest plot for each suite and unit, and the scaling curves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from jinja2 import Environment
from markupsafe import Markup

from msm.evals.items import slug
from msm.evals.measurement import Role, Unit
from msm.evals.statistics import Estimate
from msm.reporting import forest
from msm.reporting.suites import scaling_plot, writing
from msm.reporting.suites.comparisons import Comparison
from msm.reporting.suites.view import SuitesView


@dataclass(frozen=True)
class Drawn:
    """All plots: those of the page by suite, in two widths each, and the same as files."""

    forests: Mapping[str, tuple[Markup, ...]]
    scaling: tuple[tuple[Markup, ...], ...]
    files: Mapping[str, str]


def draw_plots(view: SuitesView, html: Environment) -> Drawn:
    """Draw the differences of main measures and the recipe's contrasts, suite by suite."""
    forests: dict[str, tuple[Markup, ...]] = {}
    files: dict[str, str] = {}
    style = html.get_template("forest.css").render()
    for suite in view.suites.names:
        shown = [item for item in view.of_role(Role.MAIN) if item.suite == suite]
        plots: list[Markup] = []
        for unit in Unit:
            chosen = [item for item in shown if item.measure.unit is unit]
            if not chosen:
                continue
            plots += [
                _forest(chosen, unit, layout, "", html) for layout in (forest.WIDE, forest.NARROW)
            ]
            name = f"forest-{slug(suite) or 'suite'}-{unit}.svg"
            files[name] = _forest(chosen, unit, forest.WIDE, style, html)
        if plots:
            forests[suite] = tuple(plots)
    curves = []
    for number, result in enumerate(view.scaling, start=1):
        canvases = (scaling_plot.WIDE, scaling_plot.NARROW)
        template = html.get_template("suites/scaling.svg.jinja")
        plots_of = [scaling_plot.lay_out_scaling(result, canvas) for canvas in canvases]
        curves.append(tuple(Markup(template.render(plot=plot, style="")) for plot in plots_of))
        own = style + html.get_template("suites/scaling.css").render()
        files[f"scaling-{number}.svg"] = template.render(plot=plots_of[0], style=Markup(own))
    return Drawn(forests, tuple(curves), files)


def _forest(
    items: list[Comparison],
    unit: Unit,
    layout: forest.Layout,
    style: str,
    html: Environment,
) -> Markup:
    factor = 100 if unit is Unit.SHARE else 1

    def value(number: float) -> str:
        return writing.change(number / factor, unit)

    def interval(estimate: Estimate) -> str:
        return f"[{value(estimate.low)}, {value(estimate.high)}]"

    scale = forest.Scale(
        axis=f"difference, {writing.unit_name(unit)}",
        title=f"Forest plot: differences of {items[0].suite} with their 95 % intervals, in "
        f"{writing.unit_name(unit)}; the table of comparisons holds the same figures",
        value=value,
        interval=interval,
    )
    entries = [
        forest.Entry(f"{item.measure.name}: {item.label}", _scaled(item.estimate, factor))
        for item in items
    ]
    plot = forest.lay_out(entries, layout, scale)
    return Markup(html.get_template("forest.svg.jinja").render(plot=plot, style=Markup(style)))


def _scaled(estimate: Estimate, factor: int) -> Estimate:
    return replace(
        estimate,
        value=factor * estimate.value,
        low=factor * estimate.low,
        high=factor * estimate.high,
        by_seed=tuple(factor * value for value in estimate.by_seed),
    )
