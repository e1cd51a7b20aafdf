"""The offline author's plan: which document is written about which passage, and in what kind."""

from __future__ import annotations

from msm.corpus.offline.brief import make_brief
from msm.corpus.offline.draw import dealt, seeded, stable_number
from msm.corpus.offline.grounds import quotable
from msm.corpus.offline.kinds import KINDS
from msm.corpus.offline.names import Names, fill
from msm.corpus.offline.scenes import ANGLES
from msm.corpus.offline.voice import capitalised
from msm.corpus.rows import PlanRow
from msm.passage import Passage
from msm.spec import Spec

PHILOSOPHY_SHARE = 0.3


def plan_rows(spec: Spec, names: Names, documents: int, seed: int) -> list[PlanRow]:
    """Plan exactly ``documents`` documents: 30 % on the philosophy, 70 % on the items.

    Passages and kinds are each dealt evenly. The same arguments give the same rows; other names
    change the ideas only.
    """
    rng = seeded("plan", spec.text, seed)
    philosophy = [(f"core philosophy {n}", p.text) for n, p in enumerate(spec.philosophy, 1)]
    items = [(item.name, passage.text) for item in spec.items for passage in item.passages]
    on_philosophy = round(documents * PHILOSOPHY_SHARE)
    topics = [philosophy[int(n)] for n in dealt(_numbers(philosophy), on_philosophy, rng)]
    topics += [items[int(n)] for n in dealt(_numbers(items), documents - on_philosophy, rng)]
    rng.shuffle(topics)
    kinds = dealt(list(KINDS), documents, rng)
    return [
        _row(spec, names, index, topic, kind, stable_number("salt", seed, index))
        for index, (topic, kind) in enumerate(zip(topics, kinds, strict=True))
    ]


def _row(
    spec: Spec, names: Names, index: int, topic: tuple[str, str], kind: str, salt: int
) -> PlanRow:
    subdomain, passage = topic
    brief = make_brief(spec, names, subdomain, passage, salt)
    rng = seeded("idea", salt)
    idea = f"{rng.choice(KINDS[kind].ideas)} {rng.choice(ANGLES)}"
    digest = f"{stable_number(spec.text, subdomain, passage, kind, salt):016x}"[-8:]
    return PlanRow(
        id=f"{index:05d}-{digest}",
        domain=spec.domain,
        subdomain=subdomain,
        passage=passage,
        assertions=(quotable([Passage(passage, 0)])[0],),
        kind=kind,
        idea=capitalised(fill(idea, brief.slots)),
        salt=salt,
    )


def _numbers(options: list[tuple[str, str]]) -> list[str]:
    return [str(n) for n in range(len(options))]
