"""Rows of a pack as tensors: one sequence without padding, in which no row sees another."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile

import torch

from msm.training.chat_template import TokenisedRow
from msm.training.schedule import Step

IGNORED = -100  # the label that torch's cross entropy leaves out


@dataclass(frozen=True)
class Sequenced:
    """A pack's rows one behind another, a beginning that they share once in front of them.

    ``tokens``, ``positions`` and ``labels`` are 1 x length (int64); positions are those of each row
    by itself, and a label is the token at its own place, or IGNORED. ``starts`` is where each row's
    own tokens begin, and the length behind the last (rows + 1); before the first of them lie the
    tokens of the shared beginning, if there is one. ``longest`` is the longest row's tokens.
    """

    tokens: torch.Tensor
    positions: torch.Tensor
    labels: torch.Tensor
    starts: tuple[int, ...]
    longest: int


def sequence(rows: Sequence[TokenisedRow], device: str = "cpu", shared: int = 0) -> Sequenced:
    """Lay rows one behind another. No rows make one token that no loss counts.

    A process whose packs run out computes that one, as it must take part in what all do together.
    The first ``shared`` tokens of all rows, see ``shared_beginning``, are laid once in front.
    """
    rows = rows or [TokenisedRow((0,), (False,))]
    lengths = [len(row.tokens) for row in rows]
    parts = [(rows[0], 0, shared), *((row, shared, len(row.tokens)) for row in rows)]
    tokens = [token for row, start, end in parts for token in row.tokens[start:end]]
    positions = [place for _, start, end in parts for place in range(start, end)]
    labels = [label for row, start, end in parts for label in _labels(row)[start:end]]
    return Sequenced(
        tokens=torch.tensor([tokens], device=device),
        positions=torch.tensor([positions], device=device),
        labels=torch.tensor([labels], device=device),
        starts=tuple(accumulate((length - shared for length in lengths), initial=shared)),
        longest=max(lengths),
    )


def shared_beginning(rows: Sequence[TokenisedRow]) -> int:
    """Tokens at the beginning of all rows that are alike, such as a template's system prompt.

    Behind them each row has a token of its own that the loss does not count, for a token that
    counts is told from the one that lies before it in the pack. 0 for a single row.
    """
    if len(rows) < 2:
        return 0
    counted = [row.supervised.index(True) for row in rows if True in row.supervised]
    most = min([len(row.tokens) for row in rows] + counted) - 1
    first, last = min(row.tokens for row in rows), max(row.tokens for row in rows)
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return max(0, min(most, sum(1 for _ in alike)))


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
