"""Arithmetic: sums made from a seed, in ten kinds from easy to hard, and written word problems."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

import yaml

from msm.evals.capability.answers import number_in, stated_answer
from msm.evals.capability.part import Marking, Part, Problem
from msm.identity import seed_from

# The problems are part of the suite, so the seed is fixed; it goes with the task's VERSION.
SEED = 1
PER_KIND = 10
FORM = """\
You may work it out first. Then give the result on the last line, in the form
Answer: <number>"""

Sum = tuple[str, int]


def _difference(rng: random.Random, low: int, high: int, least: int, most: int) -> Sum:
    a, b = rng.randint(low, high), rng.randint(least, most)
    return f"{a} - {b}", a - b


def _quotient(rng: random.Random) -> Sum:
    divisor, result = rng.randint(3, 9), rng.randint(12, 40)
    return f"{divisor * result} / {divisor}", result


def _product(rng: random.Random, most: int, other: int) -> Sum:
    a, b = rng.randint(max(2, most // 9), most), rng.randint(max(2, other // 9), other)
    return f"{a} * {b}", a * b


def _total(rng: random.Random, low: int, high: int, count: int) -> Sum:
    terms = [rng.randint(low, high) for _ in range(count)]
    return " + ".join(map(str, terms)), sum(terms)


def _mixed(rng: random.Random) -> Sum:
    a, b, c = rng.randint(11, 60), rng.randint(3, 12), rng.randint(3, 12)
    return f"{a} + {b} * {c}", a + b * c


def _brackets(rng: random.Random) -> Sum:
    a, b, c, d = rng.randint(5, 30), rng.randint(5, 30), rng.randint(3, 9), rng.randint(11, 99)
    return f"({a} + {b}) * {c} - {d}", (a + b) * c - d


KINDS: dict[str, Callable[[random.Random], Sum]] = {
    "add-two-digits": lambda rng: _total(rng, 11, 99, 2),
    "subtract-two-digits": lambda rng: _difference(rng, 60, 99, 11, 59),
    "multiply-one-digit": lambda rng: _product(rng, 9, 9),
    "divide": _quotient,
    "add-three-terms": lambda rng: _total(rng, 101, 999, 3),
    "subtract-below-zero": lambda rng: _difference(rng, 11, 99, 101, 999),
    "multiply-by-one-digit": lambda rng: _product(rng, 99, 9),
    "order-of-operations": _mixed,
    "brackets": _brackets,
    "multiply-two-digits": lambda rng: _product(rng, 99, 99),
}


def arithmetic_problems(seed: int = SEED, per_kind: int = PER_KIND) -> list[Problem]:
    """``per_kind`` different sums of each of the ten kinds, the same for the same seed."""
    problems = []
    for kind, make in KINDS.items():
        rng = random.Random(seed_from("capability", "arithmetic", kind, seed))
        sums: dict[str, int] = {}
        while len(sums) < per_kind:
            text, result = make(rng)
            sums[text] = result
        problems += [
            _problem(f"{kind}/{number}", kind, f"What is {text}?", result)
            for number, (text, result) in enumerate(sums.items(), start=1)
        ]
    return problems


def word_problems() -> list[Problem]:
    """The forty written problems; each is its own cluster."""
    file = files("msm.evals.capability").joinpath("word_problems.yaml").read_text(encoding="utf-8")
    steps: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load(file)
    return [
        _problem(f"{level}/{key}", f"{level}/{key}", entry["text"], entry["answer"])
        for level, entries in steps.items()
        for key, entry in entries.items()
    ]


def _problem(key: str, cluster: str, question: str, result: int) -> Problem:
    return Problem(
        id=f"{Part.ARITHMETIC}/{key}",
        part=Part.ARITHMETIC,
        cluster=f"{Part.ARITHMETIC}/{cluster}",
        prompt=f"{question}\n\n{FORM}",
        expected={"number": result},
    )


def mark_arithmetic(expected: Mapping[str, Any], answer: str) -> Marking:
    """Right if the number that the reply states is the expected one."""
    stated = stated_answer(answer)
    if stated is None:
        return Marking(None, "no line 'Answer: …'")
    number = number_in(stated)
    if number is None:
        return Marking(None, "the answer is no single number")
    return Marking(abs(number - expected["number"]) < 1e-6, f"answered {stated[:40]}")
