"""What a stage's models used: requests, tokens, seconds, faults and cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from msm.execution import Price
from msm.llm.request import Answer

MILLION = 1_000_000


@dataclass(frozen=True)
class Use:
    """One role's use of one model within one stage.

    ``requests`` counts finished answers, also those of runs that were cut; ``retries`` the tries
    that the server failed; ``seconds`` the sum over requests, which run side by side; ``cost`` is
    in US dollars at the recipe's prices. ``faults`` counts answers that could not be used.
    """

    model: str
    requests: int = 0
    retries: int = 0
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    cost: float = 0.0
    faults: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def use_of(
    model: str, answers: Iterable[Answer], price: Price, lost: int, faults: Mapping[str, int]
) -> Use:
    """Sum up answers; ``lost`` are the tries of requests that got no answer at all."""
    every = list(answers)
    tokens_in = sum(answer.tokens_in for answer in every)
    cached = sum(answer.tokens_cached for answer in every)
    tokens_out = sum(answer.tokens_out for answer in every)
    return Use(
        model=model,
        requests=len(every),
        retries=lost + sum(answer.retries for answer in every),
        tokens_in=tokens_in,
        tokens_cached=cached,
        tokens_out=tokens_out,
        seconds=round(sum(answer.seconds for answer in every), 3),
        cost=cost_of(price, tokens_in, cached, tokens_out),
        faults=dict(sorted(Counter(faults).items())),
    )


def cost_of(price: Price, tokens_in: int, tokens_cached: int, tokens_out: int) -> float:
    """US dollars for so many tokens; ``tokens_in`` leaves out those read from a cache."""
    cached = price.input if price.cached_input is None else price.cached_input
    total = tokens_in * price.input + tokens_cached * cached + tokens_out * price.output
    return round(total / MILLION, 6)
