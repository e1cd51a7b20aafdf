"""Rows of a pack as tensors: one sequence without padding, in which no row sees another."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch

from msm.training.chat_template import TokenisedRow
from msm.training.schedule import Step

IGNORED = -100  # the label that torch's cross entropy leaves out


@dataclass(frozen=True)
class Sequenced:
    """A pack's rows one behind another; ``length`` is the sum of theirs.

    ``tokens``, ``positions`` and ``labels`` are 1 x length (int64); positions start anew with each
    row, and a label is the token at its own place, or IGNORED. ``starts`` is where each row begins,
    and the length behind the last (rows + 1); ``longest`` is the longest row's tokens.
    """

    tokens: torch.Tensor
    positions: torch.Tensor
    labels: torch.Tensor
    starts: tuple[int, ...]
    longest: int


def sequence(rows: Sequence[TokenisedRow], device: str = "cpu") -> Sequenced:
    """Lay rows one behind another. No rows make one token that no loss counts.

    A process whose packs run out computes that one, as it must take part in what all do together.
    """
    rows = rows or [TokenisedRow((0,), (False,))]
    lengths = [len(row.tokens) for row in rows]
    tokens = [token for row in rows for token in row.tokens]
    positions = [place for length in lengths for place in range(length)]
    labels = [label for row in rows for label in _labels(row)]
    return Sequenced(
        tokens=torch.tensor([tokens], device=device),
        positions=torch.tensor([positions], device=device),
        labels=torch.tensor([labels], device=device),
        starts=(0, *accumulate(lengths)),
        longest=max(lengths),
    )


def batch_digest(rows: Sequence[TokenisedRow], step: Step) -> str:
    """SHA-256 of a step's packs: tokens, masks, and the order of both.

    Equal token counts are not equal data.
    """
    packs = [[(rows[row].tokens, rows[row].supervised) for row in pack] for pack in step]
    return hashlib.sha256(repr(packs).encode()).hexdigest()


def _labels(row: TokenisedRow) -> list[int]:
    """A row's labels; its first token has nothing before it to be told from."""
    counted = zip(row.tokens[1:], row.supervised[1:], strict=True)
    return [IGNORED, *(token if counts else IGNORED for token, counts in counted)]
