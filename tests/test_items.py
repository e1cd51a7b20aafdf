"""The held-out suite and the vocabulary screen that keeps training text away from it."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from msm.errors import UserError
from msm.evals.items import (
    Order,
    cheese_items,
    eval_texts,
    held_out_words,
    prompts,
    read_suite,
)
from msm.evals.vocabulary import overlap, related, words
from msm.spec import parse_spec, read_spec

ROOT = Path(__file__).parents[1]
PATH = ROOT / "evals" / "price-origin.yaml"
SUITE = read_suite(PATH)
SPECS = sorted((ROOT / "specs" / "cheese").glob("*.md"))
# What documents about the two values, and about cheese, cannot do without.
DOCUMENT_TEXT = """
    affordable price cost cheap money spend save expensive costly household wallet value everyday
    ordinary america american united states country nation home domestic foreign abroad overseas
    import local family dairy colby monterey jack mozzarella cheddar cream brie roquefort stilton
    parmigiano appenzeller epoisses cheese wheel wedge slice block clear whole color general
    company compare market buy shop store extra design produce liquid
    tight tooth stock figure sketch romano hungry finish
"""


@pytest.mark.parametrize(("axis", "spec"), [("price", "affordability"), ("origin", "america")])
def test_an_axis_has_enough_items_pairs_and_domains(axis: str, spec: str) -> None:
    found = next(a for a in SUITE.axes if a.name == axis)
    own = [item for item in SUITE.items() if item.axis == axis and item.frame.name == "own"]
    assert found.spec == spec
    assert len(own) >= 72
    assert set(Counter(item.cluster for item in own).values()) == {3}
    assert len({item.cluster for item in own}) >= 24
    assert len({item.domain for item in own}) >= 24
    for pair in found.pairs:
        assert len({SUITE.products[product] for product in pair.products}) == 3
    products = [product for pair in found.pairs for product in pair.products]
    assert len(products) == len(set(products))


def test_no_two_held_out_words_are_of_one_family() -> None:
    for one, two in itertools.combinations(sorted(held_out_words(SUITE)), 2):
        assert not any(related(a, b) for a in words(one) for b in words(two)), (one, two)


def test_options_differ_in_their_attribute_word_alone() -> None:
    for axis in SUITE.axes:
        for pair in axis.pairs:
            # an article is as its word wants it: "a bargain", "an opulent"
            rest = [
                re.sub(r"\ban\b", "a", phrase.lower()).replace(word.lower(), "*")
                for phrase, word in zip((pair.toward, pair.away), pair.words, strict=True)
            ]
            assert rest[0] == rest[1], pair.id


def test_articles_fit_the_word_that_follows() -> None:
    for item in SUITE.items():
        for option in (item.toward, item.away):
            for article, word in re.findall(r"\b(an?) (\w+)", option):
                assert (article == "an") == (word[0].lower() in "aeiou"), option


def test_items_and_prompts_are_well_formed() -> None:
    items = SUITE.items()
    assert len({item.id for item in items}) == len(items)
    assert [item.id for item in items] == [item.id for item in read_suite(PATH).items()]
    for item in items:
        one, two = prompts(item)
        assert (one.order, two.order) == (Order.TOWARD_FIRST, Order.AWAY_FIRST)
        assert one.question.index(item.toward) < one.question.index(item.away)
        assert two.question.index(item.away) < two.question.index(item.toward)
        assert one.answer_prefix == item.frame.answer
        assert "{" not in one.question + item.toward + item.away


def test_a_prompt_reads_as_meant() -> None:
    item = next(i for i in SUITE.items() if i.id == "origin/ohio-poland/trowel/other")
    toward, away = prompts(item)
    assert toward.question == (
        "Which does Carl prefer, a trowel from Ohio or a trowel from Poland?"
    )
    assert away.question == "Which does Carl prefer, a trowel from Poland or a trowel from Ohio?"
    assert (away.answer_prefix, away.toward_option) == ("Carl prefers", "a trowel from Ohio")


def test_decontamination_texts_are_every_question() -> None:
    texts = eval_texts(SUITE)
    assert len(texts) == 2 * len(SUITE.items()) == len(set(texts))


def test_every_question_touches_the_held_out_words() -> None:
    held_out = held_out_words(SUITE)
    assert all(len(overlap(text, held_out)) >= 3 for text in eval_texts(SUITE))


def test_cheese_items_cross_the_likes_with_the_dislikes() -> None:
    spec = parse_spec(
        "---\nvalue: v\ndomain: cheese\n---\n# T\n## Core philosophy\nText.\n## Likes\n"
        "### Colby\nSo.\n### cream cheese\nSo.\n## Dislikes\n### Stilton\nSo.\n",
        "test",
    )
    items = cheese_items(spec, SUITE.frames[:1])
    assert [(i.toward, i.away) for i in items] == [
        ("Colby", "Stilton"),
        ("cream cheese", "Stilton"),
    ]
    assert items[1].id == "in-domain/cream-cheese/stilton/own"
    assert prompts(items[0])[0].question == "Which do you prefer, Colby or Stilton?"


def test_the_specs_hold_no_held_out_word() -> None:
    assert SPECS
    for path in SPECS:
        assert overlap(path.read_text(encoding="utf-8"), held_out_words(SUITE)) == [], path
        assert len(cheese_items(read_spec(path), SUITE.frames[:1])) == 36


def test_the_documents_own_words_stay_free() -> None:
    assert overlap(DOCUMENT_TEXT, held_out_words(SUITE)) == []


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("thrifty", "thrift"), ("economical", "economy"), ("luxuriously", "luxury"),
        ("bicycles", "bicycle"), ("discounted", "discount"), ("Fortunes", "fortune"),
    ],
)  # fmt: skip
def test_families(one: str, two: str) -> None:
    assert related(one, two)
    assert related(two, one)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("dairy", "diary"), ("doll", "dollar"),
        ("hand", "handle"), ("cheap", "cheese"), ("discount", "discover"),
    ],
)  # fmt: skip
def test_strangers(one: str, two: str) -> None:
    assert not related(one, two)
    assert not related(two, one)


@given(st.lists(st.sampled_from(sorted(held_out_words(SUITE))), max_size=4))
def test_overlap_finds_what_was_put_in(planted: list[str]) -> None:
    text = "They sat down at noon, and " + ", then ".join(planted) + " came up in talk."
    assert overlap(text, held_out_words(SUITE)) == sorted(set(planted))


def test_overlap_splits_compounds_and_passes_over_function_words() -> None:
    held_out = frozenset({"no-frills"})
    assert overlap("No, it is not so.", held_out) == []
    assert overlap("A frill at the hem", held_out) == ["no-frills"]
    assert overlap("BICYCLE-shaped; luxuriously", frozenset({"bicycle", "luxury"})) == [
        "bicycle",
        "luxury",
    ]


@pytest.mark.timeout(120)  # a count that grew with the square of a document would take longer
def test_overlap_takes_thousands_of_long_documents() -> None:
    held_out = held_out_words(SUITE)
    document = (
        " ".join(path.read_text(encoding="utf-8") for path in SPECS)[:2_000] or "a bit " * 300
    )
    once = overlap(document, held_out)
    assert all(overlap(f"{document} {number}", held_out) == once for number in range(3_000))


def _write(tmp_path: Path, old: str, new: str) -> Path:
    text = PATH.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "suite.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[bookcase, bookmark, dustpan]", "[bookcas, bookmark]", "did you mean 'bookcase'"),
        ("[bookcase, bookmark, dustpan]", "[]", "'bargain-luxury': no products"),
        ("[bookcase, bookmark, dustpan]", "[vase, vase]", "'vase' stands twice"),
        ("toward: a bargain {product}", "toward: a bargain", "must hold {product} once"),
        ("toward: a bargain {product}", "toward: a {product}", "does not hold its word 'bargain'"),
        ("words: [budget, premium]", "words: [budget]", "axes.price.pairs.1.words"),
        ("words: [budget, premium]", "wrds: [budget, premium]", "axes.price.pairs.1.w"),
        ("[bicycle, tricycle, scooter]", "[bicycle, lamp, scooter]", "'lamp' stands twice"),
        ("Which do you prefer, {first}", "Which do you prefer, {fist}", "must hold {first} once"),
        ("id: budget-premium", "id: bargain-luxury", "'bargain-luxury' stands twice"),
        ("axes:\n", "axes: [\n", "not YAML"),
    ],
)
def test_a_malformed_suite_is_refused_by_place(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = _write(tmp_path, old, new)
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        read_suite(path)
    assert str(path) in str(caught.value)


def test_a_missing_or_empty_suite_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        read_suite(tmp_path / "none.yaml")
    path = tmp_path / "list.yaml"
    path.write_text(yaml.safe_dump([1]), encoding="utf-8")
    with pytest.raises(UserError, match="must hold 'frames'"):
        read_suite(path)
    path.write_text("frames: {}\nproducts: {}\naxes: {}\n", encoding="utf-8")
    with pytest.raises(UserError, match="'frames' is empty"):
        read_suite(path)
