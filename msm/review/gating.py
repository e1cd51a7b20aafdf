"""Gating and promoting as the commands do it: the verdict is made, written down, and acted on."""

from __future__ import annotations

import datetime

from msm.registry.reviews import Registry, Reviewed
from msm.review.audited import means_at
from msm.review.decisions import Person, Promotion, check_alias, promote
from msm.review.entry import Entry
from msm.review.judge import judge_version
from msm.review.session import Asked, recipe_of, signers
from msm.review.standing import standing
from msm.review.verdict import Verdict, verdict_name


def gate_version(registry: Registry, version: Reviewed, asked: Asked) -> Verdict:
    """Judge a version, and write the verdict to its tags and beside its run.

    Raises:
        UserError: its evidence or its recipe cannot be had.
    """
    recipe = recipe_of(asked, version)
    means = means_at(asked.root, recipe.execution.store, recipe.execution.signing)
    verdict = judge_version(registry, version, recipe, means)
    write_verdict(registry, version, verdict)
    return verdict


def write_verdict(registry: Registry, version: Reviewed, verdict: Verdict) -> None:
    """For people to see. Nothing reads a verdict from here to act on it."""
    name = verdict_name(verdict.content_digest)
    registry.write_artifact(version, name, verdict.to_json())
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    registry.tag(version, verdict.tags(now))


def promote_version(
    registry: Registry,
    version: Reviewed,
    alias: str,
    person: Person,
    override: bool,
    asked: Asked,
) -> tuple[Verdict, Entry]:
    """Judge a version anew, and promote it if it may be.

    Raises:
        UserError: it may not, or something that is needed cannot be had.
    """
    recipe = recipe_of(asked, version)
    keys = signers(asked, recipe)
    check_alias(alias)
    promotion = Promotion(alias, standing(registry, version.model, alias, keys), person, override)
    verdict = gate_version(registry, version, asked)
    reviewers = recipe.gates.reviewers
    return verdict, promote(registry, version, promotion, verdict, reviewers, keys)
