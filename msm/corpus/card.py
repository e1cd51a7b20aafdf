"""The data card of a set of texts (``card.md``): what is in it, what fell out, and examples.

Texts and labels come from a model and are not trusted: a text stands in a fence longer than any
run of backticks within it, a label is escaped, so neither can turn into Markdown or HTML.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

EXAMPLES = 5
BARS = 12  # bars of the histogram, at most
WIDTH = 40  # characters of the longest bar
MOST_ROWS = 40  # rows of a table; the rest is counted in one line
TOKENS_A_WORD = (
    1.3  # English prose under the usual byte-pair tokenizers of 50,000 to 150,000 tokens
)

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#.|~&:@])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")


@dataclass(frozen=True)
class Example:
    """One text to be shown, with a line above it that says which it is."""

    label: str
    text: str


@dataclass(frozen=True)
class Card:
    """A data card: ``words`` counts each text's words, ``tables`` counts texts by title, label."""

    title: str
    summary: str
    rows_in: int
    dropped: Mapping[str, int]
    words: Sequence[int]
    tables: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    examples: Sequence[Example] = ()


def write_card(path: Path, card: Card) -> None:
    """Write the card as Markdown. It depends on the card's content alone."""
    path.write_text(render_card(card), encoding="utf-8", errors="backslashreplace")


def render_card(card: Card) -> str:
    """The card as Markdown."""
    words = sum(card.words)
    parts = [
        f"# {_escape(card.title)}",
        card.summary,
        "## Counts",
        _table(
            ("", "texts"),
            {
                "in": card.rows_in,
                **{f"dropped, {reason}": n for reason, n in sorted(card.dropped.items())},
                "kept": len(card.words),
            },
        ),
        f"Words (split at white space): {words:,}. Estimated tokens ({TOKENS_A_WORD} a word): "
        f"{round(words * TOKENS_A_WORD):,}.",
        "## Length",
        "Texts by estimated tokens.",
        _histogram([round(count * TOKENS_A_WORD) for count in card.words]),
    ]
    for title, counts in card.tables.items():
        parts += [f"## {_escape(title)}", _table(("", "texts"), _most(counts))]
    if card.examples:
        parts += ["## Examples", f"{len(card.examples)} texts, evenly spaced."]
        for example in card.examples:
            parts += [f"### {_escape(example.label)}", fenced(example.text)]
    return "\n\n".join(parts) + "\n"


def evenly_spaced(count: int) -> list[int]:
    """The positions of the examples among ``count`` texts: five, or all if there are fewer."""
    shown = min(EXAMPLES, count)
    return [number * count // shown for number in range(shown)]


def fenced(text: str) -> str:
    """The text as a code block that it cannot leave, without control characters."""
    runs = (len(run) for run in re.findall(r"`+", text))
    fence = "`" * max(3, 1 + max(runs, default=0))
    shown = _CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", text.strip("\n"))
    return f"{fence}text\n{shown}\n{fence}"


def _escape(label: str) -> str:
    """A label on one line, with every character of Markdown's own taken literally."""
    return _SPECIAL.sub(r"\\\1", _CONTROL.sub(" ", " ".join(label.split())))


def _most(counts: Mapping[str, int]) -> dict[str, int]:
    """The commonest labels, and one line for the rest."""
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    shown, rest = ordered[:MOST_ROWS], ordered[MOST_ROWS:]
    more = {f"{len(rest)} more": sum(count for _, count in rest)} if rest else {}
    return {**dict(shown), **more}


def _table(head: tuple[str, str], rows: Mapping[str, int]) -> str:
    lines = [f"| {head[0]} | {head[1]} |", "|---|---:|"]
    lines += [f"| {_escape(label)} | {count:,} |" for label, count in rows.items()]
    return "\n".join(lines)


def _histogram(values: Sequence[int]) -> str:
    """Bars of text over classes of one round width (1, 2 or 5 times a power of ten)."""
    if not values:
        return fenced("none")
    lowest, highest = min(values), max(values)
    widths = (step * 10**power for power in range(12) for step in (1, 2, 5))
    width = next(w for w in widths if highest // w - lowest // w < BARS)
    counts = Counter(value // width for value in values)
    most = max(counts.values())
    digits = len(f"{(highest // width + 1) * width:,}")
    return fenced(
        "\n".join(
            f"{number * width:>{digits},} to {(number + 1) * width - 1:>{digits},}  "
            f"{'█' * -(-WIDTH * counts[number] // most):<{WIDTH}}  {counts[number]:,}"
            for number in range(lowest // width, highest // width + 1)
        )
    )
