"""The stage ``report``: arms side by side, the contrasts of the analysis, and one page.

A report has two parts, of which one may be missing: the word pairs (``config.results``, folders of
scores) and the suites (``config.suites``, folders of measurements).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msm.configs import ReportConfig
from msm.errors import UserError
from msm.execution import Execution
from msm.record import Outcome
from msm.reporting.origins import write_origins
from msm.reporting.page import Page, write_pages
from msm.reporting.pairs import Pairs, read_pairs
from msm.reporting.suites.tables import suite_metrics, write_tables
from msm.reporting.suites.view import SuitesView, view_suites
from msm.reporting.tables import arm_table, contrast_table, figures_of, metrics
from msm.reporting.tracing import identities, trace
from msm.table import write_table


def run(
    config: ReportConfig, inputs: Mapping[str, Path], out: Path, execution: Execution
) -> Outcome:
    """Write the page, its figures as CSV and JSON, where they come from, the plots, the reading.

    ``inputs`` holds ``suite`` and one folder of scores for each key of ``config.results``, one
    folder of measurements (``suite:<key>``) for each key of ``config.suites``, and the figures of
    judges (``judge-check…``). But for what suites cost, nothing written depends on time, machine or
    path.

    Raises:
        UserError: there is nothing to compare, or what there is cannot be read.
    """
    if not config.results and not config.suites:
        raise UserError("the report has no scores to compare; evaluate at least one arm")
    pairs = read_pairs(config, inputs) if config.results else None
    suites = view_suites(config, inputs, pairs) if config.suites else None
    page = _page(config, pairs, suites)
    write_pages(page, out)
    arms, contrasts = (pairs.arms, pairs.contrasts) if pairs else ((), ())
    write_table(out / "arms.csv", arm_table(arms))
    write_table(out / "contrasts.csv", contrast_table(contrasts))
    figures = metrics(arms, contrasts)
    if suites:
        write_tables(suites, out)
        figures |= suite_metrics(suites)
    (out / "metrics.json").write_text(_json(figures), encoding="utf-8")
    write_origins(trace(pairs, suites), identities(pairs, suites), out)
    reading = f"{page.verdict} {page.seeds_statement}"
    (out / "reading.txt").write_text(reading + "\n", encoding="utf-8")
    return Outcome(
        rows_in=(pairs.rows if pairs else 0) + (suites.suites.rows if suites else 0),
        rows_out=len(contrasts) + (len(suites.comparisons) if suites else 0),
        dropped=_not_run(pairs, suites),
        summary=_summary(page, pairs, suites),
    )


def _page(config: ReportConfig, pairs: Pairs | None, suites: SuitesView | None) -> Page:
    parts = [part for part in (pairs, suites) if part is not None]
    # Word pairs beside suites may be a control that the analysis asks nothing of.
    told = [part for part in parts if part is not pairs or suites is None or part.told]
    keys = [arm.key for arm in pairs.arms] if pairs else []
    seeds = {*(pairs.seeds if pairs else ()), *(suites.suites.seeds if suites else ())}
    return Page(
        experiment=config.experiment,
        summary=config.summary,
        assistant=config.assistant,
        specs=config.specs,
        seeds=tuple(sorted(seeds)),
        resamples=config.analysis.resamples,
        verdict=" ".join(part.verdict for part in told),
        seeds_statement=parts[0].seeds_statement,
        arm_count=len({*keys, *(suites.suites.arms if suites else ())}),
        measured=tuple(line for part in parts for line in part.measured),
        threats=tuple(line for part in parts for line in part.threats),
        notes=config.analysis.notes,
        sources=pairs.sources if pairs else (),
        pairs=pairs,
        suites=suites,
    )


def _not_run(pairs: Pairs | None, suites: SuitesView | None) -> dict[str, int]:
    counts = {
        "contrast not run": len(pairs.left_out) if pairs else 0,
        "figure of a suite not run": len(suites.missing) if suites else 0,
    }
    return {reason: count for reason, count in counts.items() if count}


def _summary(page: Page, pairs: Pairs | None, suites: SuitesView | None) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "verdict": page.verdict,
        "headline": [
            {
                "label": result.contrast.label,
                "frame": result.contrast.frame,
                "reading": str(result.overall.sign),
                **figures_of(result.overall),
            }
            for result in (pairs.headline if pairs else ())
        ],
        "not_run": [f"{item.label}: {item.why}" for item in (pairs.left_out if pairs else ())],
    }
    if suites:
        summary["suites"] = [
            {
                "suite": item.suite,
                "measure": item.measure.name,
                "label": item.label,
                "reading": item.reading.value,
                **figures_of(item.estimate),
            }
            for item in suites.of_role("main")
        ]
        summary["suites_not_run"] = [f"{item.what}: {item.why}" for item in suites.missing]
    return summary


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
