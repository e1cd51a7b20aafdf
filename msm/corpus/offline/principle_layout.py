"""A kind of document about a principle: its key, what it does, and its blocks of templates."""

from __future__ import annotations

from dataclasses import dataclass

Bank = tuple[str, ...]
Block = tuple[Bank, ...]


@dataclass(frozen=True)
class Layout:
    """``body`` stands in any order between ``opening`` and ``closing``.

    A block is one paragraph: one template from each of its banks. ``[a|b]`` are alternatives.
    Slots that the scene fills: {assistant}, {provider}, {subject}, {principle}, {section}, {role},
    {group}, {place}, {work}. Slots that the spec fills: {core} (the passage), {near} (the rest of
    the principle), {far} (another principle), {own} (the assistant itself speaks), and {ask} with
    {reply}. A template whose slot finds nothing left to say is passed over.
    """

    key: str
    ideas: tuple[str, ...]
    opening: tuple[Block, ...]
    body: tuple[Block, ...]
    closing: tuple[Block, ...]


def block(*banks: Bank | str) -> Block:
    """A paragraph; a single template may stand without its tuple."""
    return tuple((bank,) if isinstance(bank, str) else bank for bank in banks)
