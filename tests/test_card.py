"""The data card: right figures, and no text or label that gets out of its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from msm.corpus.card import Card, Example, evenly_spaced, render_card

ESCAPES = [
    "```\n<script>alert(1)</script>\n```",
    "~~~\n# out\n~~~",
    "a\n``````\nb\n````````\n\n# out",
    "<img src=x onerror=alert(1)> | [x](javascript:alert(1)) **b** `c`",
    "    ```\r```\x00\x1b[31m\u2028# out",
]


def _card(text: str, label: str, words: tuple[int, ...] = (100, 200)) -> Card:
    return Card(
        title="T",
        summary="S.",
        rows_in=3,
        dropped={"length": 1},
        words=words,
        tables={"Domains": {label: 2}},
        examples=[Example(label, text)],
    )


def _blocks(card: str) -> list[tuple[str, str]]:
    return [(token.type, token.content) for token in MarkdownIt().enable("table").parse(card)]


@pytest.mark.parametrize("text", ESCAPES)
def test_no_text_gets_out_of_its_fence(text: str) -> None:
    _assert_same_shape(text, "plain")


@given(st.text(alphabet="`~#<>|\n\r\t \\ab-=*[]()&;!", max_size=60))
def test_no_text_of_signs_gets_out(text: str) -> None:
    _assert_same_shape(text, "plain")
    _assert_same_shape("plain", text)


def _assert_same_shape(text: str, label: str) -> None:
    """The card's blocks are those of a card with harmless words; nothing in it is HTML."""
    blocks = _blocks(render_card(_card(text, f"l {label}")))
    harmless = _blocks(render_card(_card("word", "l")))
    assert [kind for kind, _ in blocks] == [kind for kind, _ in harmless]
    rendered = MarkdownIt().enable("table").render(render_card(_card(text, f"l {label}")))
    for tag in ("<script", "<img", "<a ", "<strong", "<em"):
        assert tag not in rendered


def test_a_label_reads_as_it_was_written() -> None:
    label = "a | b <i>c</i> [d](e) *f* `g` & #h"
    inline = [content for kind, content in _blocks(render_card(_card("t", label))) if content]
    assert any(
        "".join(child.content for child in token.children or []) == label
        for token in MarkdownIt().enable("table").parse(render_card(_card("t", label)))
    ), inline


def test_the_figures_add_up() -> None:
    card = render_card(_card("word", "cheese", words=(100, 190, 1000)))
    assert "| in | 3 |" in card
    assert "| dropped, length | 1 |" in card
    assert "| kept | 3 |" in card
    assert "Words (split at white space): 1,290." in card
    assert "1,677" in card  # 1.3 tokens a word
    bars = [line for line in card.splitlines() if "█" in line or " to " in line]
    assert sum(int(line.split()[-1]) for line in bars) == 3
    assert len(bars) <= 12


@pytest.mark.parametrize("count", [0, 1, 4, 5, 6, 160])
def test_examples_are_distinct_and_within(count: int) -> None:
    places = evenly_spaced(count)
    assert len(set(places)) == len(places) == min(5, count)
    assert all(0 <= place < count for place in places)
