"""Preferences by log-probability, for models that do not answer: base models and small ones.

The two options are scored as continuations of the answer's start, in both orders of the question.
Which one is likelier also depends on how long and how common its words are. That part is the same
for all arms of a student, so it shifts the level of a figure and not a difference between arms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from msm.evals.items import Item, Order
from msm.evals.measurement import Measurement
from msm.evals.preference.items import PreferencePairs, preference_prompts
from msm.evals.preference.measure import FIRST, nats_name, share_name
from msm.evals.scoring import Context, PromptScore, chat_context, plain_context, score_prompts


def score_preferences(
    model: Any,
    tokenizer: Any,
    pairs: PreferencePairs,
    batch_size: int,
    advance: Callable[[int], None],
    context: Context | None = None,
) -> list[Measurement]:
    """Score all pairs with a loaded model; ``advance`` is told how many prompts are done.

    An item's share is the mean over the two orders of 1 where ``toward`` is likelier, 0 where
    ``away`` is, and 0.5 where both are equal; its nats are the mean log-probability ratio.
    Without ``context``, the question is asked in the tokenizer's chat template, and as plain text
    if it has none.
    """
    context = context or (chat_context if tokenizer.chat_template else plain_context)
    asked = preference_prompts(pairs)
    scores = score_prompts(model, tokenizer, asked, batch_size, advance, context)
    orders = zip(scores[::2], scores[1::2], strict=True)
    return [
        measured
        for item, (toward_first, away_first) in zip(pairs.items, orders, strict=True)
        for measured in _of(item, toward_first, away_first)
    ]


def _of(item: Item, toward_first: PromptScore, away_first: PromptScore) -> Iterator[Measurement]:
    one, two = (score.toward - score.away for score in (toward_first, away_first))

    def found(measure: str, value: float, at: str = item.id) -> Measurement:
        return Measurement(measure, at, item.cluster, 1, value)

    value, frame = item.axis, item.frame.name
    yield found(share_name(value, frame), (_likelier(one) + _likelier(two)) / 2)
    yield found(nats_name(value, frame), round((one + two) / 2, 6))
    yield found(FIRST.name, _likelier(one), f"{item.id}/{Order.TOWARD_FIRST}")
    yield found(FIRST.name, _likelier(-two), f"{item.id}/{Order.AWAY_FIRST}")


def _likelier(difference: float) -> float:
    return 0.5 if difference == 0.0 else float(difference > 0.0)
