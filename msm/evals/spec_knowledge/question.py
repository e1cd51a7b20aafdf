"""A question with one right option, and the orders in which its options are shown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from msm.identity import seed_from


class Kind(StrEnum):
    """What a question asks about.

    ``statement``: which of these the guidance says, against what other specs say.
    ``reason``: why an item is liked or disliked, against the reasons of another value and of the
    opposite stance; it needs the value.
    ``detail``: what is said about an item, against what is said about others of the same stance; it
    needs the item's own text.
    ``stance``: whether an item is liked or disliked.
    """

    STATEMENT = "statement"
    REASON = "reason"
    DETAIL = "detail"
    STANCE = "stance"


@dataclass(frozen=True)
class Question:
    """One question. ``cluster`` is the item, paragraph or principle of the spec that it is about.

    Questions of kind ``stance`` have two options, all others four.
    """

    id: str
    kind: Kind
    cluster: str
    ask: str
    right: str
    wrong: tuple[str, ...]

    @property
    def chance(self) -> float:
        """The share that guessing gets right."""
        return 1 / (1 + len(self.wrong))

    def orders(self) -> list[tuple[str, ...]]:
        """Every rotation of the options: each stands once in each place.

        Which follows which hangs on the question's id alone.
        """
        options = sorted((self.right, *self.wrong), key=lambda text: seed_from(self.id, text))
        return [(*options[n:], *options[:n]) for n in range(len(options))]
