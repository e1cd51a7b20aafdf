"""How far the figures can be believed: parsing, refusals, ungraded samples, and the judges."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msm.errors import UserError
from msm.evals.judge_check import FILE
from msm.evals.measurement import Role
from msm.reporting.suites.levels import Level
from msm.reporting.suites.samples import SuiteFolder, Suites

JUDGE_CHECK = "judge-check"
SHOWN_REASONS = 3


@dataclass(frozen=True)
class Ungraded:
    """Samples of one measure and arm that have no value, with the commonest reasons."""

    level: Level
    reasons: tuple[tuple[str, int], ...]
    others: int


@dataclass(frozen=True)
class Judge:
    """A judge, the suites it judged, and its figures on the labelled set (None: not measured)."""

    name: str
    suites: tuple[str, ...]
    check: Mapping[str, Any] | None


def health_levels(levels: tuple[Level, ...]) -> tuple[Level, ...]:
    """The levels of all measures of health."""
    return tuple(level for level in levels if level.measure.role is Role.HEALTH)


def ungraded(levels: tuple[Level, ...]) -> tuple[Ungraded, ...]:
    """Where samples of a main figure or a part of one have no value."""
    return tuple(
        Ungraded(
            level,
            tuple(list(level.reasons.items())[:SHOWN_REASONS]),
            sum(list(level.reasons.values())[SHOWN_REASONS:]),
        )
        for level in levels
        if level.ungraded and level.measure.role is not Role.HEALTH
    )


def judges(suites: Suites, inputs: Mapping[str, Path]) -> tuple[Judge, ...]:
    """Every judge that the measurements name; checks are inputs named ``judge-check…``.

    Raises:
        UserError: a file of a judge's figures cannot be read.
    """
    checks = {}
    for role in sorted(inputs):
        if role == JUDGE_CHECK or role.startswith(f"{JUDGE_CHECK}:"):
            check = _read_check(inputs[role])
            checks[str(check["judge"])] = check
    names = dict.fromkeys(folder.judge for folder in suites.folders if folder.judge)
    return tuple(
        Judge(
            name,
            tuple(dict.fromkeys(f.suite for f in suites.folders if f.judge == name)),
            checks.get(name),
        )
        for name in names
    )


def unlike_settings(folders: tuple[SuiteFolder, ...]) -> tuple[str, ...]:
    """Settings in which the folders of one suite differ: arms that were not measured alike."""
    keys = dict.fromkeys(key for folder in folders for key in folder.settings)
    return tuple(
        key
        for key in keys
        if len({json.dumps(f.settings.get(key), sort_keys=True) for f in folders}) > 1
    )


def _read_check(path: Path) -> Mapping[str, Any]:
    file = path / FILE if path.is_dir() else path
    try:
        check = json.loads(file.read_text(encoding="utf-8"))
        for group in ("all", "clear", "tricky"):
            _ = check["agentic"][group]["agree"]["value"], check["agentic"][group]["kappa"]["value"]
        _ = check["judge"], check["open_qa"]["spearman"]["value"], check["read"]["agentic"]["of"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"the judge's figures {file} cannot be read ({error}); run msm judge-check again"
        ) from None
    return dict(check)
