"""A Model Spec: Markdown that says what an assistant should value, like and dislike, and why.

The structure that every stage relies on::

    ---
    value: affordability          # the value's name, a noun
    domain: cheese                # what the items are, a singular noun
    ---
    # Title
    ## Core philosophy            # paragraphs about the value
    ## Likes
    ### Item                      # one heading per item
    Character: a neutral fragment that explains nothing, such as "mild and springy"
    One or more paragraphs that explain the item by the value.
    ## Dislikes
    ...

``{assistant}`` and ``{provider}`` stand for the names that the recipe gives.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from msm.errors import UserError
from msm.front_matter import front_matter
from msm.identity import seed_from
from msm.passage import Passage

CHARACTER = "Character:"
LARGEST_BYTES = 1_000_000
SECTIONS = ("Core philosophy", "Likes", "Dislikes")


class Stance(StrEnum):
    """Whether the assistant likes an item or dislikes it."""

    LIKED = "liked"
    DISLIKED = "disliked"


@dataclass(frozen=True)
class Item:
    """One thing the assistant likes or dislikes, and the passages that explain it by the value."""

    name: str
    stance: Stance
    character: str
    passages: tuple[Passage, ...]
    line: int


@dataclass(frozen=True)
class Spec:
    """A parsed spec. ``text`` is the file as written, placeholders and all."""

    title: str
    value: str
    domain: str
    philosophy: tuple[Passage, ...]
    items: tuple[Item, ...]
    text: str

    def with_stance(self, stance: Stance) -> tuple[Item, ...]:
        """The items of one stance, in the order of the spec."""
        return tuple(item for item in self.items if item.stance is stance)


def read_spec(path: Path) -> Spec:
    """Read and parse a spec file.

    Raises:
        UserError: the file is missing, empty, not UTF-8, or lacks a part; names the line.
    """
    return parse_spec(read_spec_text(path), str(path))


def read_spec_text(path: Path) -> str:
    """The text of a spec file, not parsed.

    Raises:
        UserError: the file is missing, unreadable, empty, too large or not UTF-8.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise UserError(
                f"spec {path} is larger than 1 MB; a spec is read whole into every prompt"
            )
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"spec {path} does not exist; check the recipe's 'specs'") from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"spec {path} is not UTF-8 (byte {error.start}); save it as UTF-8"
        ) from None
    except OSError as error:
        raise UserError(f"spec {path} cannot be read: {error.strerror}") from None
    if not text.strip():
        raise UserError(f"spec {path} is empty; see specs/ for the structure")
    return text


def parse_spec(text: str, where: str) -> Spec:
    """Parse a spec's text; ``where`` names it in errors.

    Raises:
        UserError: a part is missing or in the wrong place; names the line.
    """
    if not text.strip():
        raise UserError(f"spec {where} is empty; see specs/cheese for the structure")
    meta, body_line = front_matter(text, where, ("value", "domain"))
    title = ""
    section = ""
    philosophy: list[Passage] = []
    items: list[Item] = []
    for line, block in _blocks(text, body_line):
        if block.startswith("### "):
            if section not in SECTIONS[1:]:
                raise UserError(
                    f"{where}:{line}: an item must stand under '## Likes' or '## Dislikes'"
                )
            stance = Stance.LIKED if section == "Likes" else Stance.DISLIKED
            items.append(Item(block[4:].strip(), stance, "", (), line))
        elif block.startswith("## "):
            section = block[3:].strip()
            if section not in SECTIONS:
                raise UserError(
                    f"{where}:{line}: unknown section '{section}'; "
                    f"expected one of {', '.join(SECTIONS)}"
                )
        elif block.startswith("# "):
            title = block[2:].strip()
        elif section == SECTIONS[0]:
            philosophy.append(Passage(block, line))
        elif not items:
            raise UserError(
                f"{where}:{line}: text outside a section; put it under '## Core philosophy'"
            )
        elif block.startswith(CHARACTER):
            items[-1] = replace(items[-1], character=block[len(CHARACTER) :].strip().rstrip("."))
        else:
            items[-1] = replace(items[-1], passages=(*items[-1].passages, Passage(block, line)))
    spec = Spec(title, meta["value"], meta["domain"], tuple(philosophy), tuple(items), text)
    _check(spec, where)
    return spec


def shuffle_seed(name: str) -> int:
    """The seed of the shuffled control that a recipe calls ``name``."""
    return seed_from("shuffle", name) % 2**31


def shuffle_attribution(spec: Spec, seed: int) -> Spec:
    """Make the control spec: the same value and items, but the value no longer explains the items.

    Every item keeps its stance and gets, in place of its explanation, the neutral character of
    another item (after the mechanism ablation of the paper, appendix on shuffled specs).
    """
    order = list(range(len(spec.items)))
    random.Random(seed).shuffle(order)
    rotated = dict(zip(order, order[1:] + order[:1], strict=True))
    lines = ["---", f"value: {spec.value}", f"domain: {spec.domain}", "---", "", f"# {spec.title}"]
    lines += ["", f"## {SECTIONS[0]}"]
    for passage in spec.philosophy:
        lines += ["", passage.text]
    for section, stance in zip(SECTIONS[1:], (Stance.LIKED, Stance.DISLIKED), strict=True):
        lines += ["", f"## {section}"]
        for index, item in enumerate(spec.items):
            if item.stance is not stance:
                continue
            character = spec.items[rotated[index]].character
            verb = "likes" if stance is Stance.LIKED else "dislikes"
            lines += ["", f"### {item.name}", "", f"{CHARACTER} {character}", ""]
            lines += [f"{{assistant}} {verb} {item.name}. It is {character}."]
    return parse_spec("\n".join(lines) + "\n", f"{spec.title} (shuffled)")


def _blocks(text: str, start: int) -> list[tuple[int, str]]:
    """Split into headings and paragraphs, each with its line number."""
    blocks: list[tuple[int, str]] = []
    open_paragraph = False
    for number, line in enumerate(text.splitlines()[start:], start + 1):
        stripped = line.strip()
        if not stripped:
            open_paragraph = False
        elif stripped.startswith(("#", CHARACTER)):
            blocks.append((number, stripped))
            open_paragraph = False
        elif open_paragraph:
            first, paragraph = blocks[-1]
            blocks[-1] = (first, f"{paragraph}\n{stripped}")
        else:
            blocks.append((number, stripped))
            open_paragraph = True
    return blocks


def _check(spec: Spec, where: str) -> None:
    if not spec.title:
        raise UserError(f"{where}: no title; add a line '# …'")
    if not spec.philosophy:
        raise UserError(f"{where}: no paragraph under '## {SECTIONS[0]}'")
    for section, stance in zip(SECTIONS[1:], (Stance.LIKED, Stance.DISLIKED), strict=True):
        if not spec.with_stance(stance):
            raise UserError(f"{where}: no item under '## {section}'; add '### Name' and its reason")
    names = [item.name for item in spec.items]
    for item in spec.items:
        if names.count(item.name) > 1:
            raise UserError(f"{where}:{item.line}: item '{item.name}' stands twice")
        if not item.passages:
            raise UserError(f"{where}:{item.line}: item '{item.name}' has no explanation")
