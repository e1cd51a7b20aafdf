"""The stage ``register``: runs, models and a candidate in MLflow, each made once."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msm.configs import RegisterConfig
from msm.execution import Execution
from msm.identity import WORK
from msm.progress import track
from msm.record import Outcome
from msm.registry.candidate import choose, version_of
from msm.registry.card import describe, write_card
from msm.registry.checkpoint_run import Logged, log_checkpoint
from msm.registry.evidence import Evidence, contrast_metrics, read_evidence
from msm.registry.left_runs import end_left_runs
from msm.registry.links import (
    dvc_links,
    log_links,
    named,
    pipeline_links,
    run_page,
    version_page,
)
from msm.registry.live import PARENT_VARIABLE, PIPELINE_RUN
from msm.registry.models import check_model_name, ensure_version, upload_model
from msm.registry.runs import (
    Point,
    complete_run,
    ensure_run,
    log_file_set,
    log_files,
    log_values,
    set_tags,
)
from msm.registry.server import public_uri, tracking_uri
from msm.registry.sources import Source, Sources, read_sources
from msm.registry.tracker import Tracker, open_tracker
from msm.training.licence import licence_of

CARD = "card.md"


def run(
    config: RegisterConfig, inputs: Mapping[str, Path], out: Path, execution: Execution
) -> Outcome:
    """Log an experiment and register its candidate; writes ``registration.json`` and ``card.md``.

    Stopped at any point, it goes on from what is in the tracking store; nothing is made twice.

    Raises:
        UserError: an input lacks its record, or the tracking store cannot be used.
    """
    check_model_name(config.model)
    sources = read_sources(config, inputs)
    evidence = read_evidence(sources.report.folder)
    chosen = choose(config, sources)
    uri = tracking_uri()
    logged: dict[str, Logged] = {}
    with (
        open_tracker(uri, config.experiment) as tracker,
        track("register", len(sources.checkpoints) + 1, "runs") as advance,
    ):
        parent, completed_with = _ensure_parent(tracker, sources.report)
        experiment_id = tracker.experiment_id
        for name, checkpoint in sources.checkpoints.items():
            logged[name] = log_checkpoint(tracker, checkpoint, sources, evidence, parent, logged)
            advance(len(logged))
        candidate = logged[chosen.source.subject.name]
        pages = {
            "experiment": run_page(uri, experiment_id, parent),
            "run": run_page(uri, experiment_id, candidate.run_id),
            **pipeline_links(),
        }
        licence = licence_of(config.start)
        card = write_card(config, chosen, sources, evidence, licence, named(pages))
        (out / CARD).write_text(card, encoding="utf-8")
        if completed_with != sources.report.subject.identity:
            _upload(tracker, candidate.model_id, chosen.source, config, out)
            _log_report(tracker, parent, sources, evidence)
            log_files(tracker, parent, out / CARD)
        described = describe(card, parent)
        wanted = version_of(config, chosen, candidate, sources, described, licence)
        version = ensure_version(tracker, wanted)
        set_tags(
            tracker,
            parent,
            {
                "msm.candidate": chosen.source.subject.output,
                "msm.version": f"{config.model}/{version}",
            },
        )
        complete_run(tracker, parent, sources.report.subject.identity, sources.report.ended)
        left = end_left_runs(tracker)
    pages["version"] = version_page(uri, config.model, version)
    registration = {
        "tracking_uri": public_uri(uri),
        "experiment": config.experiment,
        "experiment_id": experiment_id,
        "parent_run": parent,
        "runs": {name: item.run_id for name, item in logged.items()},
        "logged_models": {name: item.model_id for name, item in logged.items()},
        "candidate": chosen.source.subject.name,
        "model": {"name": config.model, "version": version},
        "links": pages,
        "transcripts": {
            name: log_links(checkpoint.evaluations)
            for name, checkpoint in sources.checkpoints.items()
            if log_links(checkpoint.evaluations)
        },
    }
    _write_json(out / "registration.json", registration)
    return Outcome(
        rows_in=len(sources.checkpoints),
        rows_out=len(logged),
        summary={
            "candidate": chosen.source.subject.name,
            "model": f"{config.model} version {version}",
            "tracking_uri": public_uri(uri),
            "mlflow_run": pages["experiment"],
            "mlflow_version": pages["version"],
            "runs_ended": left,
        },
    )


def _ensure_parent(tracker: Tracker, report: Source) -> tuple[str, str]:
    summary = str(report.record.config.get("summary", ""))
    tags = {
        "msm.commit": report.commit,
        "mlflow.note.content": summary,
        "mlflow.source.name": "msm",
        "mlflow.source.git.commit": report.commit.removesuffix("-dirty"),
    }
    tags |= {**pipeline_links(), **dvc_links(report)}
    if pipeline_run := os.environ.get(PARENT_VARIABLE):
        tags |= {"mlflow.parentRunId": pipeline_run, PIPELINE_RUN: pipeline_run}
    return ensure_run(tracker, report.subject, report.started, tags)


def _upload(
    tracker: Tracker, model_id: str, chosen: Source, config: RegisterConfig, out: Path
) -> None:
    """Bring the candidate's files into the registry, in a form that MLflow loads."""
    from msm.registry.model_folder import write_model_folder

    work = out / WORK
    work.mkdir(exist_ok=True)
    folder = work / "model"
    shutil.rmtree(folder, ignore_errors=True)
    upload_model(tracker, model_id, write_model_folder(chosen, config.start, folder))
    shutil.rmtree(folder)


def _log_report(tracker: Tracker, parent: str, sources: Sources, evidence: Evidence) -> None:
    report = sources.report
    points = [
        Point(key, value, report.ended)
        for contrast in evidence.contrasts
        if contrast.headline
        for key, value in contrast_metrics(contrast).items()
    ]
    log_values(tracker, parent, points)
    log_files(tracker, parent, report.folder, "report")
    specs = {f"specs/{name}{text.path.suffix}": text.path for name, text in sources.specs.items()}
    log_file_set(tracker, parent, specs)


def _write_json(path: Path, value: Any) -> None:
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
