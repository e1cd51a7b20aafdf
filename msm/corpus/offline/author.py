"""The built-in author: writes documents about a spec from phrase banks, without a model.

The banks hold frames only. What a document says about the value and the items comes from the spec:
its nouns, its items and its sentences. Where a spec does not explain an item by the value, as in a
shuffled spec, no document does.
"""

from __future__ import annotations

from collections.abc import Iterator

from msm.corpus.offline.brief import make_brief
from msm.corpus.offline.draw import seeded
from msm.corpus.offline.kinds import KINDS
from msm.corpus.offline.names import Names
from msm.corpus.offline.planning import plan_rows
from msm.corpus.offline.voice import Size, Voice, paragraph
from msm.corpus.rows import PlanRow
from msm.errors import UserError
from msm.spec import Spec

__all__ = ["FEWEST_WORDS", "KINDS", "MOST_WORDS", "Names", "plan_rows", "write_document"]

FEWEST_WORDS = 80
MOST_WORDS = 300
# From rich to bare: a spec with long sentences is quoted less, and in the end not at all.
SIZES = (Size(3, 40), Size(2, 40), Size(1, 40), Size(1, 25), Size(1, 0))


def write_document(spec: Spec, row: PlanRow, names: Names) -> str:
    """Write the document of one plan row, 80 to 300 words. The same arguments, the same text.

    Raises:
        UserError: the row's kind is unknown, or the spec's names alone fill a document.
    """
    if row.kind not in KINDS:
        raise UserError(f"plan row {row.id}: unknown kind '{row.kind}'; one of {', '.join(KINDS)}")
    for text in _drafts(spec, row, names):
        if FEWEST_WORDS <= len(text.split()) <= MOST_WORDS:
            return text
    raise UserError(
        f"plan row {row.id}: no document of {FEWEST_WORDS} to {MOST_WORDS} words; "
        "shorten the names in the spec"
    )


def _drafts(spec: Spec, row: PlanRow, names: Names) -> Iterator[str]:
    """Drafts of falling size, each lengthened where it is too short."""
    brief = make_brief(spec, names, row.subdomain, row.passage, row.salt)
    start = seeded("size", row.salt).randrange(3)
    for size in SIZES[start:]:
        voice = Voice(brief, size, seeded("text", row.salt, row.kind, size))
        blocks = [block for block in KINDS[row.kind].blocks(voice) if block]
        while len("\n\n".join(blocks).split()) < FEWEST_WORDS:
            blocks.append(paragraph(voice.prefers(), voice.value(), voice.steady()))
        yield "\n\n".join(blocks)
