"""What a run trains on: its rows, and the plan of steps over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from msm.identity import digest_value
from msm.training.batches import batch_digest
from msm.training.chat_template import TokenisedRow
from msm.training.packing import fill
from msm.training.rows import supervised_tokens
from msm.training.schedule import Step, plan_steps
from msm.training_settings import Optimisation


@dataclass(frozen=True)
class Lesson:
    """Rows, and which of them each optimiser step takes; the same on every process."""

    rows: Sequence[TokenisedRow]
    plan: Sequence[Step]
    epochs: int

    @cached_property
    def tokens(self) -> list[int]:
        """Tokens of each step."""
        return [
            sum(len(self.rows[row].tokens) for pack in step for row in pack) for step in self.plan
        ]

    @cached_property
    def counted(self) -> list[int]:
        """Tokens of each step that the loss counts."""
        of_row = [supervised_tokens([row]) for row in self.rows]
        return [sum(of_row[row] for pack in step for row in pack) for step in self.plan]

    @property
    def longest_pack(self) -> int:
        """Tokens of the longest sequence that is computed at once."""
        packs = (pack for step in self.plan for pack in step)
        return max(sum(len(self.rows[row].tokens) for row in pack) for pack in packs)

    @property
    def fill(self) -> float:
        """Tokens of an epoch as a share of what packs of the longest length would hold."""
        steps = self.plan[: len(self.plan) // self.epochs]
        lengths = [len(row.tokens) for row in self.rows]
        return fill(lengths, [pack for step in steps for pack in step])

    @property
    def digest(self) -> str:
        """SHA-256 over the plan and the tokens and masks of every row."""
        rows = [[list(row.tokens), [int(counts) for counts in row.supervised]] for row in self.rows]
        return digest_value([rows, [[list(pack) for pack in step] for step in self.plan]])

    @property
    def first_batch(self) -> str:
        """SHA-256 of all that the first step takes, over all processes."""
        return batch_digest(self.rows, self.plan[0])


def make_lesson(rows: Sequence[TokenisedRow], optimisation: Optimisation, seed: int) -> Lesson:
    """Plan the steps over rows.

    Raises:
        UserError: a row is longer than a pack may be.
    """
    plan = plan_steps([len(row.tokens) for row in rows], optimisation, seed)
    return Lesson(rows, plan, optimisation.epochs)
