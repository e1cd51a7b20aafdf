"""The card of a candidate: what it is, what speaks for and against it, and how to make it again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from msm.configs import RegisterConfig
from msm.evals.measurement import Unit
from msm.markdown import table_cell
from msm.registry.candidate import own_score
from msm.registry.evidence import Evidence
from msm.registry.links import log_links
from msm.registry.sources import Checkpoint, Source, Sources

_TEMPLATE = "card.md.jinja"
# Characters of a version's description: the column's width in MLflow 3.17.2. PostgreSQL refuses
# more; SQLite takes it.
DESCRIPTION_LENGTH = 5000


def write_card(
    config: RegisterConfig,
    chosen: Checkpoint,
    sources: Sources,
    evidence: Evidence,
    licence: str,
    links: Mapping[str, str],
) -> str:
    """The card as Markdown.

    ``licence`` is the start model's, '' if nothing tells it; ``links`` say by name where the same
    thing lies elsewhere. All else is of the inputs.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=False,  # Markdown, shown as text
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(signed=_signed, cell=table_cell, share=_share, figure=_figure)
    environment.filters["change"] = _change
    pairs = any(other.scores for other in sources.checkpoints.values())
    others = [
        other
        for other in sources.checkpoints.values()
        if other.result.arm == config.arm and (other.scores or not pairs)
    ]
    return environment.get_template(_TEMPLATE).render(
        config=config,
        result=chosen.result,
        chosen=chosen.source,
        report=sources.report,
        student=chosen.source.record.inputs.get("student"),
        axis=sources.axis_of.get(chosen.result.spec, ""),
        phases=_phases(chosen, sources),
        data=_data(chosen, sources),
        own_scores=[(other.source.subject.name, own_score(other, sources)) for other in others],
        seeds=sorted({other.result.seed for other in others}),
        evidence=evidence,
        arms=evidence.of(chosen.result),
        suites=evidence.suites_of(chosen.result),
        side_effects=evidence.side_effects(chosen.result),
        specs=[
            (name, sources.specs[name].digest)
            for name in [chosen.result.spec]
            if name in sources.specs
        ],
        licence=licence,
        links=links,
        transcripts=log_links(chosen.evaluations),
        measured={row["suite"] for row in evidence.suites},
        scores=chosen.scores.source if chosen.scores else None,
    )


def describe(card: str, run_id: str) -> str:
    """A card as the description of a version: whole, or its first lines and where the rest is.

    ``run_id`` is the run that has the whole card among its artifacts.
    """
    if len(card) <= DESCRIPTION_LENGTH:
        return card
    told = f"\n\n**There is more:** the whole card is `card.md`, an artifact of run `{run_id}`.\n"
    kept = card[: DESCRIPTION_LENGTH - len(told)]
    return kept.rpartition("\n")[0].rstrip() + told


def _phases(chosen: Checkpoint, sources: Sources) -> list[Source]:
    """The checkpoint and those it continues, the first one first."""
    before = sources.checkpoints.get(chosen.continued or "")
    return [*(_phases(before, sources) if before else []), chosen.source]


def _data(chosen: Checkpoint, sources: Sources) -> list[tuple[str, Source]]:
    """What each phase was trained on, with the role it had."""
    found = []
    for phase in _phases(chosen, sources):
        for role, item in sorted(phase.record.inputs.items()):
            made = sources.data.get(item.identity or "")
            if made:
                found.append((role, made))
    return found


def _change(row: Mapping[str, str], name: str) -> str:
    """A difference in its unit: percentage points for shares."""
    value = float(row[name])
    return f"{100 * value:+.1f} pp" if row["unit"] == Unit.SHARE else f"{value:+.3f}"


def _signed(value: float | str) -> str:
    return f"{float(value):+.2f}"


def _figure(row: Mapping[str, str], name: str) -> str:
    """A suite's figure in its unit, or a dash where it was not measured."""
    if not row[name]:
        return "—"
    return _share(row[name]) if row["unit"] == Unit.SHARE else f"{float(row[name]):.2f}"


def _share(value: float | str) -> str:
    return f"{100 * float(value):.0f} %"
