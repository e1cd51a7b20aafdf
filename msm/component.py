"""One task of an experiment where there is no workspace: in a pipeline's container.

The caller hands over a bundle and the folders of the inputs; identities come out the same as
anywhere else, since only content enters them.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msm.bundle import unbundle
from msm.errors import UserError
from msm.experiment import find_task
from msm.identity import digest_path
from msm.locate import locate
from msm.pipeline_state import reported
from msm.record import Record
from msm.registry.evidence import read_evidence
from msm.registry.joined import join_run
from msm.stage import run_stage
from msm.stages import definition
from msm.store import named_store
from msm.task import OutputInput, Stage, Task


@dataclass(frozen=True)
class Given:
    """What another task made: the folder that lies here, and the content it is to have."""

    path: str
    digest: str


@dataclass(frozen=True)
class Made:
    """The content digest of an output, and what a pipeline's pages show of it."""

    digest: str
    metadata: Mapping[str, Any]


def run_task(bundle: str, stage: str, name: str, inputs: Sequence[Given], out: str) -> Made:
    """Run one task.

    Args:
        bundle: the file that holds the recipe, of ``msm.bundle.bundle``.
        stage: the task's stage.
        name: its name.
        inputs: what other tasks made of it, in the order in which the task names them.
        out: the folder to make.

    Raises:
        UserError: the recipe or an input is wrong.
    """
    text = Path(bundle).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        recipe = unbundle(text, Path(folder))
        task = find_task(recipe, Stage(stage), name)
        execution = recipe.execution.named(recipe.name, task.label)
        digest = hashlib.sha256(text.encode()).hexdigest()
        with reported(named_store(execution), digest, task) as made:
            given = _given(task, inputs)
            located = {
                role: given[role] if isinstance(source, OutputInput) else locate(source, recipe)
                for role, source in task.inputs.items()
            }
            record, _ = run_stage(
                definition(task.stage), task.config, located, Path(out), execution
            )
            made.append(record)
    shown = metadata(task.label, record)
    join_run(recipe.name, task.label, shown)
    return Made(record.digest, shown)


def metadata(label: str, record: Record) -> dict[str, Any]:
    """What is to be seen of an output beside it: identity, counts, cost and its own figures."""
    outcome = record.outcome
    figures = {
        key: value
        for key, value in outcome.summary.items()
        if isinstance(value, bool | int | float | str)
    }
    return {
        **figures,
        "display_name": label,
        "identity": record.identity,
        "digest": record.digest,
        "rows_in": outcome.rows_in,
        "rows_out": outcome.rows_out,
        "dropped": sum(outcome.dropped.values()),
        "tokens": outcome.tokens,
        "cost": outcome.cost,
        "seconds": record.seconds,
    }


def _given(task: Task, inputs: Sequence[Given]) -> dict[str, Path]:
    """The folders by role.

    Raises:
        UserError: they are not as many, or do not hold what was handed over.
    """
    roles = [role for role, source in task.inputs.items() if isinstance(source, OutputInput)]
    if len(roles) != len(inputs):
        raise UserError(
            f"{task.label} reads {len(roles)} outputs, but the pipeline hands over {len(inputs)}; "
            "compile it again from this recipe"
        )
    for role, item in zip(roles, inputs, strict=True):
        found = digest_path(Path(item.path)) if Path(item.path).is_dir() else "nothing"
        if found != item.digest:
            raise UserError(
                f"{task.label}: the input '{role}' is to have the content {item.digest[:12]}, and "
                f"has {found[:12]}; run the pipeline again"
            )
    return {role: Path(item.path) for role, item in zip(roles, inputs, strict=True)}


def contrasts(report: str) -> tuple[dict[str, float], dict[str, str]]:
    """The headline of a report's folder: estimates by key, and each with its interval as text."""
    headline = [item for item in read_evidence(Path(report)).contrasts if item.headline]
    estimates = {item.key: item.estimate for item in headline}
    intervals = {
        item.key: f"{item.estimate:+.3f} [{item.low:+.3f}, {item.high:+.3f}]" for item in headline
    }
    return estimates, intervals
