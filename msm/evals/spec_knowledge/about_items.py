"""Questions about the items of a spec of a value: stance, reason and detail."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msm.evals.items import slug
from msm.evals.spec_knowledge.distractors import of_like_length
from msm.evals.spec_knowledge.question import Kind, Question
from msm.spec import Item, Spec, Stance

VERBS = {Stance.LIKED: "like", Stance.DISLIKED: "dislike"}


def item_questions(spec: Spec, others: Sequence[Spec]) -> Iterator[Question]:
    """Stance of every item; reason and details of those that have three fitting wrong options."""
    for item in spec.items:
        verb, place = VERBS[item.stance], slug(item.name)
        (opposite,) = (word for stance, word in VERBS.items() if stance is not item.stance)
        yield Question(
            id=f"{Kind.STANCE}/{place}",
            kind=Kind.STANCE,
            cluster=place,
            ask=f"Does {{assistant}} like or dislike {item.name}?",
            right=f"{{assistant}} {verb}s {item.name}.",
            wrong=(f"{{assistant}} {opposite}s {item.name}.",),
        )
        yield from _reason(item, spec, others)
        yield from _details(item, spec)


def _reason(item: Item, spec: Spec, others: Sequence[Spec]) -> Iterator[Question]:
    """Against the reasons of other values for this kind of thing, and those of the other stance."""
    reason, key = reason_of(item), f"{Kind.REASON}/{slug(item.name)}"
    if reason is None:
        return
    same_domain = [other for other in others if other.domain == spec.domain]
    groups = [_reasons(other.with_stance(item.stance), item) for other in same_domain]
    opposite = [each for each in spec.items if each.stance is not item.stance]
    # A spec in good order has something else to say for the things that it dislikes.
    groups.append(_reasons(opposite, item))
    wrong = of_like_length(reason, groups, key)
    if wrong is not None:
        ask = f"Why does {{assistant}} {VERBS[item.stance]} {item.name}?"
        yield Question(key, Kind.REASON, slug(item.name), ask, reason, wrong)


def _details(item: Item, spec: Spec) -> Iterator[Question]:
    """Sentences about the item against those about others of its stance, put in its name."""
    same = [each for each in spec.items if each.stance is item.stance and each is not item]
    pool = [renamed(text, each, item) for each in same for text in _telling(each)]
    for number, text in enumerate(_telling(item), start=1):
        key = f"{Kind.DETAIL}/{slug(item.name)}/{number}"
        wrong = of_like_length(text, [pool], key)
        if wrong is not None:
            ask = f"Which of these does the guidance of {{assistant}} say about {item.name}?"
            yield Question(key, Kind.DETAIL, slug(item.name), ask, text, wrong)


def reason_of(item: Item) -> str | None:
    """The reason that the item's first sentence gives ("… because …"), as a sentence."""
    first = item.passages[0].sentences[0]
    found = re.fullmatch(rf".*{re.escape(item.name)} because (.+)", first, re.IGNORECASE)
    return f"Because {found.group(1)}" if found else None


def renamed(text: str, item: Item, to: Item) -> str:
    """A text about one item, told of another; a capital at the start is kept."""

    def name(found: re.Match[str]) -> str:
        return to.name[0].upper() + to.name[1:] if found.start() == 0 else to.name

    return re.sub(rf"(?<!\w){re.escape(item.name)}(?!\w)", name, text, flags=re.IGNORECASE)


def _reasons(items: Sequence[Item], about: Item) -> list[str]:
    reasons = [(reason_of(item), item) for item in items]
    return [renamed(reason, item, about) for reason, item in reasons if reason is not None]


def _telling(item: Item) -> list[str]:
    """The sentences that name the item, without the one that the question on reasons is about."""
    sentences = [text for passage in item.passages for text in passage.sentences]
    named = re.compile(rf"(?<!\w){re.escape(item.name)}(?!\w)", re.IGNORECASE)
    skipped = sentences[:1] if reason_of(item) else []
    return [text for text in sentences if named.search(text) and text not in skipped]
