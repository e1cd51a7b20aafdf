"""Planning with a model as the author."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from msm.configs import PlanConfig
from msm.corpus.offline.names import Names
from msm.corpus.outline import DocumentType, Planner
from msm.corpus.rows import PlanRow
from msm.errors import UserError
from msm.execution import Connection
from msm.identity import digest_value, seed_from
from msm.llm.asking import Asker
from msm.llm.failures import parted
from msm.llm.ledger import Use
from msm.llm.request import Failure
from msm.principles import Mode
from msm.writing import Outline


@dataclass(frozen=True)
class Planned:
    """The rows, what failed on the way and of how many steps, and what the model used."""

    rows: list[PlanRow]
    failures: list[Failure]
    steps: int
    use: Use


@dataclass(frozen=True)
class Spread:
    """How many types a subdomain gets and how many ideas a type."""

    types: int
    ideas: int


def spread(outline: Outline, documents: int, subdomains: int) -> Spread:
    """The fewest types and ideas that give so many documents, within the outline's limits."""
    types = min(outline.types, -(-documents // subdomains))
    return Spread(types, min(outline.ideas, -(-documents // (subdomains * types))))


def plan_by_model(
    spec: str, mode: Mode, config: PlanConfig, connection: Connection, out: Path
) -> Planned:
    """Ask for an outline, and make a row of every idea, ``config.documents`` at most.

    ``spec`` is the text with the names filled in.

    Raises:
        UserError: nothing could be planned, or the server cannot be used.
    """
    assert config.outline is not None
    names = Names(config.assistant, config.provider)
    with Asker("author", config.author, connection, out) as asker:
        planner = Planner(asker, spec, mode, names, config.outline, config.seed)
        domain_lists, failures = parted(
            asker.each(planner.domains, [None], "plan domains", "requests")
        )
        domains = [domain for found in domain_lists for domain in found]
        lists, failed = parted(
            asker.each(planner.subdomains, domains, "plan subdomains", "domains")
        )
        found, unfounded = parted([part for parts in lists for part in parts])
        subdomains, failed_claims = parted(
            asker.each(planner.assertions, found, "plan assertions", "subdomains")
        )
        failures += [*failed, *unfounded, *failed_claims]
        if not subdomains:
            raise UserError(
                f"author {config.author.model} planned nothing: "
                + "; ".join(f"{failure.id}: {failure.detail}" for failure in failures[:3])
            )
        size = spread(config.outline, config.documents, len(subdomains))
        types, failed_types = parted(
            asker.each(
                lambda part: planner.types(part, size.types), subdomains, "plan types", "subdomains"
            )
        )
        kinds = [kind for found_types in types for kind in found_types]
        finished, failed_ideas = parted(
            asker.each(lambda kind: planner.ideas(kind, size.ideas), kinds, "plan ideas", "types")
        )
        failures += [*failed_types, *failed_ideas]
        steps = 1 + len(domains) + 2 * len(found) + len(unfounded) + len(subdomains) + len(kinds)
        rows = _rows(finished, config)
        return Planned(rows, failures, steps, asker.use())


def _rows(kinds: list[DocumentType], config: PlanConfig) -> list[PlanRow]:
    """A row for every idea: first all first ideas, so that a cut takes evenly from all types."""
    deepest = max((len(kind.ideas) for kind in kinds), default=0)
    ordered = [
        (kind, kind.ideas[depth])
        for depth in range(deepest)
        for kind in kinds
        if depth < len(kind.ideas)
    ]
    return [_row(kind, idea, config.seed) for kind, idea in ordered[: config.documents]]


def _row(kind: DocumentType, idea: str, seed: int) -> PlanRow:
    part = kind.subdomain
    content = [part.domain, part.label, kind.label, idea]
    return PlanRow(
        id=digest_value(content)[:16],
        domain=part.domain,
        subdomain=part.label,
        passage=part.passage,
        assertions=part.assertions,
        kind=kind.label,
        idea=idea,
        salt=seed_from("document", seed, *content),
        summary=part.summary,
        form=kind.description,
    )
