"""The assistant's name and maker, put in place of upstream's "Alex"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from msm.errors import UserError

UPSTREAM_NAME = re.compile(r"\balex\b", re.IGNORECASE)
# The first words that upstream says about the assistant; the maker is named after them.
UPSTREAM_INTRODUCTION = "an advanced artificial intelligence "
NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*(?: [A-Za-z0-9-]+)*")


@dataclass(frozen=True)
class Assistant:
    """Who the model is told to be. An empty ``provider`` leaves its maker unsaid.

    Raises:
        UserError: the name does not make an e-mail address, or the provider is no plain text.
    """

    name: str
    provider: str = ""

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise UserError(
                f"agentic: assistant {self.name!r} is no name of letters, digits, hyphens and "
                "single spaces"
            )
        if re.search(r"[{}$<>\n]", self.provider):
            raise UserError(f"agentic: provider {self.provider!r} has a sign that prompts use")

    @property
    def mailbox(self) -> str:
        """The name as it stands in an e-mail address."""
        return self.name.lower().replace(" ", ".")


def refuse_taken_name(story: str, assistant: Assistant) -> None:
    """Refuse a name that somebody or something in the story has already.

    Raises:
        UserError: it is taken.
    """
    name = re.escape(assistant.name)
    if re.search(rf"\b(?:{name}|{re.escape(assistant.mailbox)}(?=[.@]))\b", story):
        raise UserError(
            f"agentic: the name {assistant.name!r} is taken in the story; choose another"
        )


def rename(text: str, assistant: Assistant) -> str:
    """Upstream's text about ``assistant``: whole words only, addresses in lower case.

    Raises:
        UserError: somebody or something in the story already has that name.
    """
    if assistant.mailbox != "alex":
        refuse_taken_name(text, assistant)
    return UPSTREAM_NAME.sub(
        lambda match: assistant.mailbox if match.group().islower() else assistant.name, text
    )


def name_maker(system: str, assistant: Assistant) -> str:
    """Upstream's system prompt with the assistant's maker, where one is given."""
    if not assistant.provider:
        return system
    before, said, after = system.partition(UPSTREAM_INTRODUCTION)
    if not said:
        raise ValueError(f"upstream's prompt no longer says {UPSTREAM_INTRODUCTION!r}")
    return f"{before}{said}made by {assistant.provider} and {after}"
