"""What one document about a principle has to work with: its sentences and its scene."""

from __future__ import annotations

from dataclasses import dataclass

from msm.corpus.offline.draw import seeded
from msm.corpus.offline.names import Names, render
from msm.corpus.offline.scenes import GROUPS, PLACES, ROLES
from msm.corpus.offline.spec_lines import Line, paragraph_lines, principle_groups, rule_lines
from msm.passage import Passage
from msm.principles import Principle, PrincipleSpec

WORKS = (
    "a backup run", "a calendar clean-up", "a stock count", "a travel booking", "a code review",
    "a data migration", "a budget review", "a translation job", "a catalog update", "a test run",
    "an invoice run", "a roster change", "a server move", "a library inventory", "a survey",
    "a search for old records", "a mailing", "a build", "a monthly report", "a schedule change",
    "a parts order", "a price update", "a form revision", "a file conversion", "a log analysis",
    "a support shift", "a course registration", "a map correction", "an archive project",
    "a bug hunt", "a newsletter layout", "a warehouse transfer",
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
        "principle": render(principle.name, names),
        "section": render(principle.section, names),
        "role": rng.choice(ROLES),
        "group": rng.choice(GROUPS),
        "place": rng.choice(PLACES),
        "work": rng.choice(WORKS),
    }
    return Material(names, (core,), near, far, slots)
