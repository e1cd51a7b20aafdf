"""The part of a report on the word pairs: what the stage's scores say, ready for the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from msm.configs import ReportConfig
from msm.errors import UserError
from msm.evals.items import IN_DOMAIN, read_suite
from msm.reporting.arms import ArmRow, describe_arms
from msm.reporting.contrasts import ContrastResult, NotRun, take_contrasts
from msm.reporting.method import how_measured, threats
from msm.reporting.reading import (
    Answer,
    manipulation_statement,
    read_results,
    seeds_statement,
    verdict,
)
from msm.reporting.scores import Source, load_scores


@dataclass(frozen=True)
class Pairs:
    """Everything that the page says of the word pairs."""

    axes: tuple[str, ...]
    in_domain: str | None
    seeds: tuple[int, ...]
    verdict: str
    seeds_statement: str
    manipulation: str
    answers: tuple[Answer, ...]
    contrasts: tuple[ContrastResult, ...]
    left_out: tuple[NotRun, ...]
    arms: tuple[ArmRow, ...]
    measured: tuple[str, ...]
    threats: tuple[str, ...]
    sources: tuple[Source, ...]
    rows: int

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
    def told(self) -> bool:
        """Whether the analysis asks anything of word pairs, answered or not."""
        return bool(self.contrasts or self.left_out)

    @property
    def control_contrasts(self) -> tuple[ContrastResult, ...]:
        """Contrasts that name such an arm."""
        return tuple(result for result in self.contrasts if result.control)


def read_pairs(config: ReportConfig, inputs: Mapping[str, Path]) -> Pairs:
    """Read the scores of ``config.results`` and take the contrasts of the analysis.

    Raises:
        UserError: the suite or a folder of scores is missing, or they do not fit each other.
    """
    if "suite" not in inputs:
        raise UserError("there are scores of word pairs, but no file of their suite was given")
    suite = read_suite(inputs["suite"])
    results = {name: config.results[name] for name in config.order}
    scores = load_scores(suite, results, inputs)
    arms = describe_arms(scores, config.analysis)
    contrasts, left_out = take_contrasts(scores, config.analysis)
    has_check = scores.in_domain is not None
    return Pairs(
        axes=tuple(axis.axis for axis in scores.axes),
        in_domain=IN_DOMAIN if has_check else None,
        seeds=scores.seeds,
        verdict=verdict(contrasts),
        seeds_statement=seeds_statement(scores.seeds),
        manipulation=manipulation_statement(arms, IN_DOMAIN) if has_check else "",
        answers=read_results(contrasts, left_out),
        contrasts=contrasts,
        left_out=left_out,
        arms=arms,
        measured=how_measured(suite, scores, config.analysis, config.assistant),
        threats=threats(scores, contrasts),
        sources=scores.sources,
        rows=scores.rows,
    )
