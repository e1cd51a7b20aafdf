"""The built-in author for specs of principles: plans and writes documents without a model.

The banks hold frames only. What a document says of the assistant comes from the spec's sentences.
In ``values`` mode documents explain what the assistant holds with the reasons that the spec gives;
in ``rules`` mode they show it keeping to a rule, and no frame gives a reason.
"""

from __future__ import annotations

from collections.abc import Iterator

from msm.corpus.offline import (
    principle_rules_lessons,
    principle_rules_phrases,
    principle_rules_records,
    principle_values_office,
    principle_values_phrases,
    principle_values_talks,
)
from msm.corpus.offline.draw import dealt, expand, seeded, stable_number
from msm.corpus.offline.names import Names, fill
from msm.corpus.offline.principle_layout import Layout
from msm.corpus.offline.principle_material import make_material
from msm.corpus.offline.principle_voice import PrincipleVoice
from msm.corpus.offline.spec_lines import paragraph_lines
from msm.corpus.offline.voice import capitalised
from msm.corpus.rows import PlanRow
from msm.errors import UserError
from msm.passage import Passage
from msm.principles import Mode, Principle, PrincipleSpec

FEWEST_WORDS = 80
MOST_WORDS = 300
LAYOUTS: dict[Mode, dict[str, Layout]] = {
    Mode.VALUES: {
        layout.key: layout
        for layout in (*principle_values_office.LAYOUTS, *principle_values_talks.LAYOUTS)
    },
    Mode.RULES: {
        layout.key: layout
        for layout in (*principle_rules_records.LAYOUTS, *principle_rules_lessons.LAYOUTS)
    },
}
PHRASES = {
    Mode.VALUES: (principle_values_phrases.FRAMES, principle_values_phrases.ABOUT),
    Mode.RULES: (principle_rules_phrases.FRAMES, principle_rules_phrases.ABOUT),
}
# Words of the longest quoted run, from rich to bare.
LONGEST_RUNS = (65, 50, 40, 30, 20, 0)


def plan_principle_rows(
    spec: PrincipleSpec, names: Names, documents: int, seed: int
) -> list[PlanRow]:
    """Plan exactly ``documents`` documents; passages and kinds are each dealt evenly.

    The same arguments give the same rows; other names change the ideas only.
    """
    rng = seeded("plan", spec.text, seed)
    topics = [(p, passage) for p in spec.principles for passage in passages_of(p)]
    numbers = dealt([str(number) for number in range(len(topics))], documents, rng)
    kinds = dealt(list(LAYOUTS[spec.mode]), documents, rng)
    return [
        _row(spec, names, index, *topics[int(number)], kind, stable_number("salt", seed, index))
        for index, (number, kind) in enumerate(zip(numbers, kinds, strict=True))
    ]


def passages_of(principle: Principle) -> tuple[str, ...]:
    """What a document can be about: each paragraph, rule and subrule, verbatim."""
    rules = (
        text
        for rule in principle.rules
        for text in (rule.text, *(subrule.text for subrule in rule.subrules))
    )
    return (*(passage.text for passage in principle.passages), *rules)


def write_principle_document(spec: PrincipleSpec, row: PlanRow, names: Names) -> str:
    """Write the document of one plan row, 80 to 300 words. The same arguments, the same text.

    Raises:
        UserError: the row does not belong to the spec, or no document of that length comes out.
    """
    layouts = LAYOUTS[spec.mode]
    if row.kind not in layouts:
        raise UserError(
            f"plan row {row.id}: unknown kind '{row.kind}'; one of {', '.join(layouts)}"
        )
    principle = next((p for p in spec.principles if p.name == row.subdomain), None)
    if principle is None or row.passage not in passages_of(principle):
        raise UserError(f"plan row {row.id}: its passage is not in the spec; plan again")
    for text in _drafts(spec, row, names, principle):
        if FEWEST_WORDS <= len(text.split()) <= MOST_WORDS:
            return text
    raise UserError(
        f"plan row {row.id}: no document of {FEWEST_WORDS} to {MOST_WORDS} words; "
        "shorten the headings in the spec"
    )


def _drafts(spec: PrincipleSpec, row: PlanRow, names: Names, principle: Principle) -> Iterator[str]:
    """Drafts of falling size, each lengthened where it is too short."""
    material = make_material(spec, names, principle, row.passage, row.salt)
    frames, about = PHRASES[spec.mode]
    start = seeded("size", row.salt).randrange(3)
    for longest in LONGEST_RUNS[start:]:
        rng = seeded("text", row.salt, row.kind, longest)
        voice = PrincipleVoice(material, frames, about, longest, rng)
        blocks = voice.blocks(LAYOUTS[spec.mode][row.kind])
        while len("\n\n".join(blocks).split()) < FEWEST_WORDS:
            added = " ".join(frame for frame in (voice.frame(), voice.frame()) if frame)
            if not added:
                break
            blocks.append(added)
        yield "\n\n".join(blocks)


def _row(
    spec: PrincipleSpec,
    names: Names,
    index: int,
    principle: Principle,
    passage: str,
    kind: str,
    salt: int,
) -> PlanRow:
    """The only place that makes a row of a spec of principles."""
    material = make_material(spec, names, principle, passage, salt)
    rng = seeded("idea", salt)
    idea = expand(rng.choice(LAYOUTS[spec.mode][kind].ideas), rng)
    digest = f"{stable_number(spec.text, principle.name, passage, kind, salt):016x}"[-8:]
    return PlanRow(
        id=f"{index:05d}-{digest}",
        domain=principle.section,
        subdomain=principle.name,
        passage=passage,
        assertions=(_assertion(passage),),
        kind=kind,
        idea=capitalised(fill(idea, material.slots)),
        salt=salt,
    )


def _assertion(passage: str) -> str:
    """The passage's first sentence that stands alone, as it is in the spec."""
    lines = paragraph_lines(Passage(passage, 0))
    return next((line.alone for line in lines if line.alone), lines[0].text)
