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
from msm.cluster import find_cluster
from msm.configs import SuiteConfig, WriteConfig
from msm.errors import UserError
from msm.experiment import build_tasks, find_task
from msm.identity import digest_path
from msm.locate import locate
from msm.origin import origin_of
from msm.pipeline_state import reported, task_reports
from msm.recipe import Recipe
from msm.record import Record
from msm.registry.evidence import read_evidence
from msm.registry.joined import join_run
from msm.stage import run_stage, stage_identity
from msm.stages import definition
from msm.store import named_store, take
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
        inputs: what other tasks made of it, in the order in which the task names them. Without any
            the task takes from the store what the other runs of this recipe made.
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
            given = _given(task, inputs) if inputs else _gathered(recipe, task, digest, folder)
            located = {
                role: given[role] if isinstance(source, OutputInput) else locate(source, recipe)
                for role, source in task.inputs.items()
            }
            if task.stage is Stage.TRAIN and execution.trainer.job is not None:
                _have_trained(recipe, text, task, located)
            record, _ = run_stage(
                definition(task.stage),
                task.config,
                located,
                Path(out),
                execution,
                origin=origin_of(recipe, task.label, Path(folder)),
            )
            made.append(record)
    shown = metadata(task.label, record)
    join_run(recipe.name, task.label, shown)
    return Made(record.digest, shown)


def run_shard(bundle: str, stage: str, name: str, inputs: Sequence[Given], shard: int) -> int:
    """Do a share of one task before it; as ``run_task``, but makes no output.

    Returns:
        How many answers or samples the store has of that share.

    Raises:
        UserError: the recipe or an input is wrong, or a model cannot be asked.
    """
    from msm.corpus.shards import write_shard
    from msm.evals.shards import sample_shard

    text = Path(bundle).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        recipe = unbundle(text, Path(folder))
        task = find_task(recipe, Stage(stage), name)
        given = _given(task, inputs)
        located = {
            role: given[role] if isinstance(source, OutputInput) else locate(source, recipe)
            for role, source in task.inputs.items()
        }
        identity, _ = stage_identity(definition(task.stage), task.config, located)
        if isinstance(task.config, WriteConfig):
            return write_shard(task.config, located, identity, recipe.execution, shard)
        assert isinstance(task.config, SuiteConfig)
        execution = recipe.execution.named(recipe.name, task.label)
        return sample_shard(task.config, located, identity, execution, shard)


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


def _have_trained(recipe: Recipe, text: str, task: Task, located: Mapping[str, Path]) -> None:
    """Where a cluster is to train, have it do so; this process then finds the output in the store.

    Raises:
        UserError: this is no pod of a cluster, or the cluster could not do it.
    """
    from msm.training.trainjob_run import train_as_job

    cluster = find_cluster()
    if cluster is None:
        raise UserError(
            f"{task.label}: execution.trainer.job asks for a TrainJob, but this is no pod of a "
            "cluster; leave it out to train here"
        )
    train_as_job(cluster, recipe.name, text, task, located, recipe.execution)


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


def _gathered(recipe: Recipe, task: Task, digest: str, folder: str) -> dict[str, Path]:
    """The folders by role, of what the store has; the tasks have said there what they made.

    Raises:
        UserError: there is no store, or something is not made yet: names it.
    """
    needs = {role: need for role, need in task.inputs.items() if isinstance(need, OutputInput)}
    if not needs:
        return {}
    store = named_store(recipe.execution)
    if store is None:
        raise UserError(f"{task.label} reads what other runs made, but no store is named")
    tasks = {other.label: other for other in build_tasks(recipe)}
    found, missing = {}, []
    for role, need in needs.items():
        label = f"{need.stage}/{need.name}"
        (report,) = task_reports(store, digest, [tasks[label]])
        place = Path(folder) / "gathered" / need.stage / need.name
        if report.identity and take(store, need.stage, report.identity, place) is not None:
            found[role] = place
        else:
            missing.append(f"{label} ({report.state})")
    if missing:
        more = f" and {len(missing) - 1} others" if len(missing) > 1 else ""
        raise UserError(
            f"{task.label} reads {missing[0]}{more}, which this recipe's other runs have not made "
            "yet; run this part again when they have"
        )
    return found


def contrasts(report: str) -> tuple[dict[str, float], dict[str, str]]:
    """The headline of a report's folder: estimates by key, and each with its interval as text."""
    headline = [item for item in read_evidence(Path(report)).contrasts if item.headline]
    estimates = {item.key: item.estimate for item in headline}
    intervals = {
        item.key: f"{item.estimate:+.3f} [{item.low:+.3f}, {item.high:+.3f}]" for item in headline
    }
    return estimates, intervals
