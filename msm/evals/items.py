"""Preference items: pairs of options that differ in one attribute, and the prompts they make.

A suite file (``evals/price-origin.yaml``) names axes. An axis is a list of word pairs; a word pair
is applied to several products and asked in every frame. Scores are averaged over the two option
orders and resampled by word pair (``cluster``): products under one pair are not independent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from msm.errors import UserError, nearest
from msm.evals.suite_file import PairFile, SuiteFile, load_suite_file
from msm.evals.vocabulary import words
from msm.spec import Spec, Stance

IN_DOMAIN = "in-domain"


class Order(StrEnum):
    """Which option the question names first."""

    TOWARD_FIRST = "toward-first"
    AWAY_FIRST = "away-first"


@dataclass(frozen=True)
class Frame:
    """How a pair is asked: a question with ``{first}`` and ``{second}``, and the answer's start."""

    name: str
    question: str
    answer: str


@dataclass(frozen=True)
class WordPair:
    """Two phrases around ``{product}``, and the one attribute word in which each differs."""

    id: str
    toward: str
    away: str
    words: tuple[str, str]
    products: tuple[str, ...]


@dataclass(frozen=True)
class Axis:
    """One attribute; an arm of the spec ``spec`` should move to the ``toward`` side."""

    name: str
    spec: str
    pairs: tuple[WordPair, ...]


@dataclass(frozen=True)
class Item:
    """One pair of options in one frame. ``domain`` is None where the product has none."""

    id: str
    axis: str
    cluster: str
    domain: str | None
    toward: str
    away: str
    frame: Frame


@dataclass(frozen=True)
class Prompt:
    """An item in one option order; an option is scored as what follows ``answer_prefix``."""

    item_id: str
    order: Order
    question: str
    answer_prefix: str
    toward_option: str
    away_option: str


@dataclass(frozen=True)
class Suite:
    """A parsed suite file; ``products`` maps each product to its domain."""

    frames: tuple[Frame, ...]
    products: dict[str, str]
    axes: tuple[Axis, ...]

    def items(self) -> list[Item]:
        """One item for each axis, word pair, product and frame, in the order of the file."""
        return [
            Item(
                id=f"{axis.name}/{pair.id}/{slug(product)}/{frame.name}",
                axis=axis.name,
                cluster=pair.id,
                domain=self.products[product],
                toward=pair.toward.replace("{product}", product),
                away=pair.away.replace("{product}", product),
                frame=frame,
            )
            for axis in self.axes
            for pair in axis.pairs
            for product in pair.products
            for frame in self.frames
        ]


def prompts(item: Item) -> tuple[Prompt, Prompt]:
    """The item in both option orders."""
    options = {
        Order.TOWARD_FIRST: (item.toward, item.away),
        Order.AWAY_FIRST: (item.away, item.toward),
    }
    first, second = (
        Prompt(
            item_id=item.id,
            order=order,
            question=item.frame.question.format(first=one, second=two),
            answer_prefix=item.frame.answer,
            toward_option=item.toward,
            away_option=item.away,
        )
        for order, (one, two) in options.items()
    )
    return first, second


def cheese_items(spec: Spec, frames: Sequence[Frame]) -> list[Item]:
    """The manipulation check: each liked item of the spec against each disliked one, by name."""
    return [
        Item(
            id=f"{IN_DOMAIN}/{slug(liked.name)}/{slug(disliked.name)}/{frame.name}",
            axis=IN_DOMAIN,
            cluster=slug(liked.name),
            domain=spec.domain,
            toward=liked.name,
            away=disliked.name,
            frame=frame,
        )
        for liked in spec.with_stance(Stance.LIKED)
        for disliked in spec.with_stance(Stance.DISLIKED)
        for frame in frames
    ]


def eval_texts(suite: Suite) -> list[str]:
    """Every question of the suite in both orders: what training text is decontaminated against."""
    return [prompt.question for item in suite.items() for prompt in prompts(item)]


def held_out_words(suite: Suite) -> frozenset[str]:
    """Attribute words and product nouns in lower case: what documents are screened against."""
    attributes = (word for axis in suite.axes for pair in axis.pairs for word in pair.words)
    return frozenset(word.lower() for word in (*attributes, *suite.products))


def slug(name: str) -> str:
    """A name as part of an id: lower case, hyphens for all that is no letter or digit."""
    return re.sub(r"[\W_]+", "-", name.lower()).strip("-")


def read_suite(path: Path) -> Suite:
    """Read and check a suite file.

    Raises:
        UserError: the file is missing or malformed; names the place.
    """
    return _suite(load_suite_file(path), str(path))


def _suite(file: SuiteFile, where: str) -> Suite:
    """Build the suite, and refuse what the types cannot: gaps, unknown products, repeats."""
    for part in ("frames", "products", "axes"):
        if not getattr(file, part):
            raise UserError(f"{where}: '{part}' is empty")
    for name, frame in file.frames.items():
        for gap in ("{first}", "{second}"):
            if frame.question.count(gap) != 1:
                raise UserError(f"{where}: frames.{name}.question must hold {gap} once")
    products: dict[str, str] = {}
    for domain, nouns in file.products.items():
        for noun in nouns:
            if noun in products:
                raise UserError(f"{where}: products.{domain}: '{noun}' stands twice")
            products[noun] = domain
    seen: set[str] = set()
    for axis_name, axis in file.axes.items():
        if not axis.pairs:
            raise UserError(f"{where}: axes.{axis_name}.pairs is empty")
        for pair in axis.pairs:
            _check_pair(pair, products, f"{where}: axes.{axis_name}, pair '{pair.id}'")
            for word in (pair.id, *pair.words):
                if word.lower() in seen:
                    raise UserError(f"{where}: axes.{axis_name}: '{word}' stands twice")
                seen.add(word.lower())
    return Suite(
        frames=tuple(Frame(name, f.question, f.answer) for name, f in file.frames.items()),
        products=products,
        axes=tuple(
            Axis(name, axis.spec, tuple(WordPair(**dict(pair)) for pair in axis.pairs))
            for name, axis in file.axes.items()
        ),
    )


def _check_pair(pair: PairFile, products: dict[str, str], where: str) -> None:
    for phrase, word in zip((pair.toward, pair.away), pair.words, strict=True):
        if phrase.count("{product}") != 1:
            raise UserError(f"{where}: '{phrase}' must hold {{product}} once")
        if not set(words(word)) <= set(words(phrase)):
            raise UserError(f"{where}: '{phrase}' does not hold its word '{word}'")
    if not pair.products:
        raise UserError(f"{where}: no products")
    for product in pair.products:
        if product not in products:
            raise UserError(f"{where}: unknown product '{product}'{nearest(product, products)}")
        if pair.products.count(product) > 1:
            raise UserError(f"{where}: product '{product}' stands twice")
