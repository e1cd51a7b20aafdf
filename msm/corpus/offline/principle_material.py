"""What one document about a principle has to work with: its sentences and its scene."""

from __future__ import annotations

from dataclasses import dataclass

from msm.corpus.offline.draw import seeded
from msm.corpus.offline.names import Names
from msm.corpus.offline.scenes import GROUPS, PLACES, ROLES
from msm.corpus.offline.spec_lines import Line, paragraph_lines, principle_groups, rule_lines
from msm.passage import Passage
from msm.principles import Principle, PrincipleSpec

WORKS = (
    "a batch of support tickets", "a shared calendar", "the nightly backups", "a long spreadsheet",
    "the stock list of a warehouse", "a travel booking", "the files of a small office",
    "a code review", "the minutes of a meeting", "an order of spare parts", "a mailing list",
    "the timetable of a school", "a data migration", "a budget table", "the archive of a library",
    "a row of test servers", "a translation job", "the inbox of a help desk", "a survey",
    "a build script", "the bookings of a clinic", "a set of lab notes", "a product catalog",
    "the wiki of a workshop", "an invoice run", "the roster of a night shift", "a search index",
    "a monthly report", "the forms of a town office", "a staging database",
)  # fmt: skip


@dataclass(frozen=True)
class Material:
    """The material of one document.

    ``core`` holds the passage's groups of lines, ``near`` the other groups of its principle,
    ``far`` those of the other principles; a group is a paragraph or a rule.
    """

    names: Names
    core: tuple[tuple[Line, ...], ...]
    near: tuple[tuple[Line, ...], ...]
    far: tuple[tuple[Line, ...], ...]
    slots: dict[str, str]


def make_material(
    spec: PrincipleSpec, names: Names, principle: Principle, passage: str, salt: int
) -> Material:
    """Gather a document's material; the salt chooses the scene."""
    rng = seeded("material", salt, principle.name)
    is_rule = passage not in {p.text for p in principle.passages}
    core = rule_lines(passage) if is_rule else paragraph_lines(Passage(passage, 0))
    near = tuple(group for group in principle_groups(principle) if group != core)
    far = tuple(
        group
        for other in spec.principles
        if other.name != principle.name and other.section == principle.section
        for group in principle_groups(other)
    )
    slots = {
        "assistant": names.assistant,
        "provider": names.provider,
        "subject": spec.subject,
        "principle": principle.name,
        "section": principle.section,
        "role": rng.choice(ROLES),
        "group": rng.choice(GROUPS),
        "place": rng.choice(PLACES),
        "work": rng.choice(WORKS),
    }
    return Material(names, (core,), near, far, slots)
