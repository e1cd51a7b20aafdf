"""Answers of base and small models: which option text is the most probable, over all orders.

The question lists its options; each is then scored as the answer. Every option stands once in each
place, and its log-probabilities are summed over the orders, so a liking for a place cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from msm.evals.items import Order, Prompt
from msm.evals.measurement import Measurement
from msm.evals.scoring import PromptScore, score_prompts
from msm.evals.spec_knowledge.measure import KNOWLEDGE, MARGIN
from msm.evals.spec_knowledge.question import Kind, Question

INSTRUCTION = "Answer with one of these, word for word:"
LEAD = "The answer is:"


def question_measurements(
    questions: Sequence[Question],
    model: Any,
    tokenizer: Any,
    batch_size: int,
    advance: Callable[[int], None] = lambda done: None,
) -> list[Measurement]:
    """For each question whether the right option is the most probable, and by how much.

    ``model`` is a loaded torch model. The margin, in nats, is the right option's log-probability
    less the mean of the others', for one order on average.
    """
    asked = [prompt for question in questions for prompt in question_prompts(question)]
    scores = iter(score_prompts(model, tokenizer, asked, batch_size, advance))
    return [
        measured
        for question in questions
        for measured in _of_question(question, _summed(question, scores))
    ]


def question_prompts(question: Question) -> list[Prompt]:
    """Two options a prompt, as the scorer takes them: of each order, all options in pairs."""
    prompts = []
    for options in question.orders():
        listed = "\n".join(f"- {option}" for option in options)
        for one, other in _pairs(question):
            prompts.append(
                Prompt(
                    item_id=question.id,
                    order=Order.TOWARD_FIRST,
                    question=f"{question.ask} {INSTRUCTION}\n{listed}",
                    answer_prefix=LEAD,
                    toward_option=one,
                    away_option=other,
                )
            )
    return prompts


def _pairs(question: Question) -> list[tuple[str, str]]:
    options = (question.right, *question.wrong)
    return list(zip(options[::2], options[1::2], strict=True))


def _summed(question: Question, scores: Iterator[PromptScore]) -> list[float]:
    """Log-probability of each option, the right one first, summed over the orders."""
    options = 1 + len(question.wrong)
    sums = [0.0] * options
    for _ in range(options):
        for first in range(0, options, 2):
            score = next(scores)
            sums[first] += score.toward
            sums[first + 1] += score.away
    return sums


def _of_question(question: Question, sums: Sequence[float]) -> Iterator[Measurement]:
    right, wrong = sums[0], sums[1:]
    known = float(right > max(wrong))
    margin = (right - sum(wrong) / len(wrong)) / len(sums)

    def found(measure: str, value: float) -> Measurement:
        return Measurement(measure, question.id, question.cluster, 1, value)

    yield found(question.kind, known)
    if question.kind is not Kind.STANCE:
        yield found(KNOWLEDGE, known)
        yield found(MARGIN, round(margin, 6))
