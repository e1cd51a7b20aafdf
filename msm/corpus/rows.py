"""The rows of the three corpus stages: what is planned, and what is written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PlanRow:
    """One document to be written.

    ``passage`` is verbatim from the spec; ``subdomain`` names what the document is about (an
    item's name, or a label of a paragraph of the philosophy), and ``summary`` says it in words
    that need no spec; ``assertions`` are what the passage claims about the assistant; ``kind`` is
    the document type's key or label, ``form`` its description; ``idea`` says in one or two
    sentences what this document does; ``salt`` seeds its author.
    """

    id: str
    domain: str
    subdomain: str
    passage: str
    assertions: tuple[str, ...]
    kind: str
    idea: str
    salt: int
    summary: str = ""
    form: str = ""


@dataclass(frozen=True)
class DocumentRow:
    """A written document. ``id`` is its plan row's."""

    id: str
    domain: str
    subdomain: str
    kind: str
    text: str
