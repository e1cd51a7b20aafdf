"""The candidate: which result is brought to the registry, and with what evidence."""

from __future__ import annotations

from msm.configs import RegisterConfig
from msm.errors import UserError
from msm.evals.items import IN_DOMAIN
from msm.registry.acting_user import acting_user
from msm.registry.checkpoint_run import Logged
from msm.registry.links import dvc_links, log_links, pipeline_links
from msm.registry.models import Version
from msm.registry.reviews import AUTHOR
from msm.registry.sources import Checkpoint, Sources

OWN = "own"


def own_score(checkpoint: Checkpoint, sources: Sources) -> float | None:
    """Mean score, in the own frame, on the axis of the checkpoint's spec; None without either."""
    axis = sources.axis_of.get(checkpoint.result.spec)
    if checkpoint.scores is None or axis is None or axis == IN_DOMAIN:
        return None
    return checkpoint.scores.means.get((axis, OWN))


def choose(config: RegisterConfig, sources: Sources) -> Checkpoint:
    """The arm's result with the highest own score; results without one come last, by name.

    Raises:
        UserError: the experiment scores word pairs, but no result of the arm.
    """
    of_arm = [
        checkpoint
        for checkpoint in sources.checkpoints.values()
        if checkpoint.result.arm == config.arm
    ]
    pairs = any(checkpoint.scores for checkpoint in sources.checkpoints.values())
    scored = [checkpoint for checkpoint in of_arm if checkpoint.scores or not pairs]
    if not scored:
        raise UserError(f"register.arm '{config.arm}': no scored result of it; evaluate it first")

    def rank(checkpoint: Checkpoint) -> tuple[bool, float, str]:
        score = own_score(checkpoint, sources)
        return score is None, -(score or 0.0), checkpoint.source.subject.name

    return min(scored, key=rank)


def version_of(
    config: RegisterConfig,
    chosen: Checkpoint,
    logged: Logged,
    sources: Sources,
    card: str,
    licence: str,
) -> Version:
    """The version to be in the registry: a candidate, with what its reviewer needs in its tags."""
    subject, result, report = chosen.source.subject, chosen.result, sources.report.subject
    spec = sources.specs.get(result.spec)
    tags = {
        **subject.tags,
        **pipeline_links(),
        **dvc_links(chosen.source),
        **log_links(chosen.evaluations),
        **_lineage(chosen, sources),
        "msm.status": "candidate",
        AUTHOR: acting_user(),
        "msm.report": report.identity,
        "msm.scores": chosen.scores.source.subject.identity if chosen.scores else "",
        "msm.commit": chosen.source.commit,
        "msm.experiment": config.experiment,
        "msm.arm": result.arm,
        "msm.spec": result.spec,
        "msm.spec.digest": spec.digest if spec else "",
        "msm.seed": str(result.seed),
        "msm.start": config.student,
        "msm.start.licence": licence,
    }
    return Version(
        name=config.model,
        about=f"Candidates of the experiment '{config.experiment}'; each version has its card.",
        model_id=logged.model_id,
        run_id=logged.run_id,
        card=card,
        tags={key: value for key, value in tags.items() if value},
    )


def _lineage(chosen: Checkpoint, sources: Sources) -> dict[str, str]:
    """What each phase read, from the last to the first: ``msm.input.<role>``, with its digest."""
    tags: dict[str, str] = {}
    phase: Checkpoint | None = chosen
    while phase is not None:
        for role, item in phase.source.record.inputs.items():
            made = sources.data.get(item.identity or "")
            name = made.subject.output if made else role
            tags.setdefault(f"msm.input.{name.replace('/', '.')}", item.digest)
        phase = sources.checkpoints.get(phase.continued or "")
    return tags
