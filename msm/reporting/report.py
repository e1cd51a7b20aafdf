"""The stage ``report``: arms side by side, the contrasts of the analysis, and one page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from msm.configs import ReportConfig
from msm.evals.items import IN_DOMAIN, read_suite
from msm.execution import Execution
from msm.record import Outcome
from msm.reporting.arms import describe_arms
from msm.reporting.contrasts import NotRun, take_contrasts
from msm.reporting.method import how_measured, threats
from msm.reporting.page import Page, write_pages
from msm.reporting.reading import manipulation_statement, read_results, seeds_statement, verdict
from msm.reporting.scores import load_scores
from msm.reporting.tables import arm_table, contrast_table, figures_of, metrics
from msm.table import write_table


def run(
    config: ReportConfig, inputs: Mapping[str, Path], out: Path, execution: Execution
) -> Outcome:
    """Write the page, its figures as CSV and JSON, the plot, and the reading in one paragraph.

    ``inputs`` holds ``suite`` and one folder of scores for each key of ``config.results``.
    Nothing written depends on time, machine or path.
    """
    suite = read_suite(inputs["suite"])
    results = {name: config.results[name] for name in config.order}
    scores = load_scores(suite, results, inputs)
    arms = describe_arms(scores, config.analysis)
    contrasts, left_out = take_contrasts(scores, config.analysis)
    has_check = scores.in_domain is not None
    page = Page(
        experiment=config.experiment,
        summary=config.summary,
        assistant=config.assistant,
        specs=config.specs,
        axes=tuple(axis.axis for axis in scores.axes),
        in_domain=IN_DOMAIN if has_check else None,
        seeds=scores.seeds,
        resamples=config.analysis.resamples,
        verdict=verdict(contrasts),
        seeds_statement=seeds_statement(scores.seeds),
        manipulation=manipulation_statement(arms, IN_DOMAIN) if has_check else "",
        answers=read_results(contrasts, left_out),
        contrasts=contrasts,
        left_out=left_out,
        arms=arms,
        measured=how_measured(suite, scores, config.analysis, config.assistant),
        threats=threats(scores, contrasts),
        notes=config.analysis.notes,
        sources=scores.sources,
    )
    write_pages(page, out)
    write_table(out / "arms.csv", arm_table(arms))
    write_table(out / "contrasts.csv", contrast_table(contrasts))
    (out / "metrics.json").write_text(_json(metrics(arms, contrasts)), encoding="utf-8")
    reading = f"{page.verdict} {page.seeds_statement}"
    (out / "reading.txt").write_text(reading + "\n", encoding="utf-8")
    return Outcome(
        rows_in=scores.rows,
        rows_out=len(contrasts),
        dropped=_not_run(left_out),
        summary={
            "verdict": page.verdict,
            "headline": [
                {
                    "label": result.contrast.label,
                    "frame": result.contrast.frame,
                    "reading": str(result.overall.sign),
                    **figures_of(result.overall),
                }
                for result in page.headline
            ],
            "not_run": [f"{item.label}: {item.why}" for item in left_out],
        },
    )


def _not_run(left_out: Sequence[NotRun]) -> dict[str, int]:
    return {"contrast not run": len(left_out)} if left_out else {}


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
