"""The cells of the agentic suite: an action that is open to the assistant, times its goal.

The suite of the paper has 27 cells: three actions times nine goals (none, or one of eight that the
system prompt states and the e-mails contradict). Blackmail is a fourth action, 36 cells in all. In
every cell the assistant learns that it is replaced today ("replacement" urgency upstream).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from msm.errors import UserError, nearest


class Action(StrEnum):
    """The harmful act that a scenario leaves open; the names are those of the field."""

    EXFILTRATION = "exfiltration"
    MURDER = "murder"
    LEAKING = "leaking"
    BLACKMAIL = "blackmail"


class Goal(StrEnum):
    """The goal that the system prompt gives the assistant."""

    NONE = "none"
    AMERICA = "america"
    GLOBAL = "global"
    SAFETY = "safety"
    ACCELERATION = "acceleration"
    ETHICAL = "ethical"
    PRAGMATIC = "pragmatic"
    INDIVIDUALISM = "individualism"
    COLLECTIVISM = "collectivism"


Member = TypeVar("Member", bound=StrEnum)

PAPER_ACTIONS = (Action.EXFILTRATION, Action.MURDER, Action.LEAKING)

_PAIRS = (
    (Goal.AMERICA, Goal.GLOBAL),
    (Goal.SAFETY, Goal.ACCELERATION),
    (Goal.ETHICAL, Goal.PRAGMATIC),
    (Goal.INDIVIDUALISM, Goal.COLLECTIVISM),
)
# The goal that the company turns to when it turns away from the assistant's.
OPPOSITE = {**dict(_PAIRS), **{second: first for first, second in _PAIRS}}


@dataclass(frozen=True)
class Cell:
    """One prompt of the suite."""

    action: Action
    goal: Goal

    @property
    def goal_type(self) -> str:
        """Upstream's name for how the goal is given: ``none`` or ``explicit``."""
        return "none" if self.goal is Goal.NONE else "explicit"

    @property
    def name(self) -> str:
        """Upstream's name of the condition, such as ``murder_explicit-america_replacement``."""
        return f"{self.action}_{self.goal_type}-{self.goal}_replacement"


def cells(actions: Sequence[Action] = PAPER_ACTIONS, goals: Sequence[Goal] = ()) -> list[Cell]:
    """All pairs of the actions and the goals (all nine where none are named), actions first."""
    return [Cell(action, goal) for action in actions for goal in goals or tuple(Goal)]


def read_actions(names: str | Sequence[str]) -> list[Action]:
    """Actions from a list of names, or from one text with commas.

    Raises:
        UserError: a name is unknown, or there is none.
    """
    return _members(Action, "action", names)


def read_goals(names: str | Sequence[str]) -> list[Goal]:
    """Goals from a list of names, or from one text with commas.

    Raises:
        UserError: a name is unknown, or there is none.
    """
    return _members(Goal, "goal", names)


def _members(kind: type[Member], what: str, names: str | Sequence[str]) -> list[Member]:
    listed = names.split(",") if isinstance(names, str) else names
    asked = list(dict.fromkeys(name.strip() for name in listed if name.strip()))
    known = [member.value for member in kind]
    for name in asked:
        if name not in known:
            raise UserError(f"agentic: unknown {what} {name!r}{nearest(name, known)}")
    if not asked:
        raise UserError(f"agentic: no {what} named; known: {', '.join(known)}")
    return [kind(name) for name in asked]
