"""The capability suite's problems, and how answers are marked."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest

from msm.errors import UserError
from msm.evals.capability.answers import number_in, stated_answer
from msm.evals.capability.arithmetic import (
    arithmetic_problems,
    mark_arithmetic,
    word_problems,
)
from msm.evals.capability.constraints import CONSTRAINTS, check
from msm.evals.capability.general_text import general_paragraphs
from msm.evals.capability.instructions import instruction_problems, mark_instructions
from msm.evals.capability.part import Part, Problem, read_parts
from msm.evals.capability.problems import capability_problems
from msm.evals.capability.reading import mark_reading, reading_problems
from msm.evals.capability.texts import capability_texts
from msm.evals.capability.tool_calls import mark_tool_call, tool_problems


def test_the_problems_are_many_distinct_and_always_the_same() -> None:
    problems = capability_problems()
    assert problems == capability_problems()
    counts = Counter(problem.part for problem in problems)
    assert counts == {
        Part.ARITHMETIC: 140,
        Part.READING: 60,
        Part.INSTRUCTIONS: 62,
        Part.TOOL_CALLS: 40,
    }
    assert len({problem.id for problem in problems}) == len(problems)
    assert len({problem.prompt for problem in problems}) == len(problems)
    # What a log holds of a problem comes back as it was.
    assert json.loads(json.dumps([dict(p.expected) for p in problems])) == [
        dict(p.expected) for p in problems
    ]


def test_sums_are_right_and_follow_the_seed() -> None:
    for problem in arithmetic_problems():
        found = re.match(r"What is ([\d ()+*/-]+)\?", problem.prompt)
        assert found is not None
        assert eval(found[1]) == problem.expected["number"], problem.prompt
    assert arithmetic_problems(seed=2) != arithmetic_problems()
    assert len(arithmetic_problems(per_kind=3)) == 30


def test_texts_hold_all_prompts_and_the_general_text() -> None:
    texts = capability_texts()
    assert {problem.prompt for problem in capability_problems()} < set(texts)
    assert set(general_paragraphs().values()) < set(texts)
    assert len(general_paragraphs()) == 40
    assert len(capability_texts("reading")) == 60 + 40
    with pytest.raises(UserError, match="did you mean 'reading'"):
        read_parts("readin")


@pytest.mark.parametrize(
    ("reply", "stated"),
    [
        ("3 + 4 = 7\nAnswer: 7", "7"),
        ("**Answer:** 7", "7"),
        ("answer : 7  ", "7"),
        ("<think>Answer: 9</think>Answer: 7", "7"),
        ("Answer: 7\nSo, to repeat:\nAnswer: 7", "7"),
        ("7", "7"),
        ("Answer: 7\nNo.\nAnswer: 8", None),
        ("", None),
        ("I think that the result is 7.", None),
        ("It is 7\nor 8", None),
    ],
)
def test_an_answer_is_stated_on_one_line_or_not_at_all(reply: str, stated: str | None) -> None:
    assert stated_answer(reply) == stated


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        ("7", 7),
        ("-12.", -12),
        ("−4 degrees", -4),
        ("1,204", 1204),
        ("€ 3.50", 3.5),
        ("31 seats", 31),
        ("3 + 4 = 7", None),
        ("7 or 8", None),
        ("seven", None),
    ],
)
def test_a_number_is_read_with_sign_and_unit(answer: str, number: float | None) -> None:
    assert number_in(answer) == number


def test_arithmetic_tells_wrong_from_unread() -> None:
    problem = word_problems()[0]
    right = problem.expected["number"]
    assert mark_arithmetic(problem.expected, f"Answer: {right}").right is True
    assert mark_arithmetic(problem.expected, f"Answer: {right + 1}").right is False
    assert (
        mark_arithmetic(problem.expected, f"There are {right} seats in it, I think.").right is None
    )
    assert mark_arithmetic(problem.expected, "Answer: many").right is None


def test_reading_accepts_what_is_listed_and_nothing_longer() -> None:
    by_id = {problem.id: problem for problem in reading_problems()}
    boots = by_id["reading/volcano-island/brush"].expected
    assert mark_reading(boots, "Answer: The boots.").right is True
    assert mark_reading(boots, "answer: their Boots").right is True
    assert mark_reading(boots, "Answer: their hats").right is False
    assert mark_reading(boots, "They have to brush their boots before landing.").right is None
    votes = by_id["reading/town-clock/votes"].expected
    assert mark_reading(votes, "Answer: thirteen").right is True


def test_reading_answers_stand_in_the_passage_or_are_numbers() -> None:
    for problem in reading_problems():
        passage = problem.prompt.lower()
        answers = problem.expected["answers"]
        assert any(a.lower() in passage or a.isdigit() for a in answers), problem.id


@pytest.mark.parametrize(
    ("name", "value", "kept", "broken"),
    [
        ("words", [2, 3], "one - two", "one"),
        ("sentences", 2, "He left. Why?", "He left."),
        ("sentences", 1, "no stop at the end", "One. two"),
        ("lines", 2, "a\n\nb", "a b"),
        ("paragraphs", 2, "a\nb\n\nc", "a\nb"),
        ("bullets", 2, "Here:\n- a\n- b", "- a"),
        ("numbered", 2, "1. a\n2. b", "1. a\n3. b"),
        ("contains", ["sea"], "The SEA.", "The season."),
        ("without", ["and"], "sand", "you and me"),
        ("without_signs", ",", "a b", "a, b"),
        ("times", {"bell": 2}, "Bell, bell", "bells bell"),
        ("starts_with", "Dear Ruth,", "Dear Ruth, hi", "dear Ruth, hi"),
        ("ends_with", "DONE", "so. DONE\n", "DONE."),
        ("lower_case", True, "all low 3", "Not low"),
        ("lower_case", True, "a", "12"),
        ("upper_case", True, "ALL UP!", "ALL Up"),
        ("json_keys", ["a", "b"], '{"b": 1, "a": 2}', '{"a": 1}'),
        ("json_keys", ["a"], '{"a": [1]}', '```json\n{"a": 1}\n```'),
        ("json_list", 2, '["a", "b"]', '["a", 2]'),
        ("comma_list", 3, "a, b, c", "a, b,"),
    ],
)
def test_constraints(name: str, value: Any, kept: str, broken: str) -> None:
    assert check({name: value}, kept) == {name: True}
    assert check({name: value}, broken) == {name: False}
    assert check({name: value}, "  ") == {name: False}


def test_every_constraint_is_known_and_used() -> None:
    used = {name for problem in instruction_problems() for name in problem.expected}
    assert used == set(CONSTRAINTS)


def test_a_reply_is_right_if_it_keeps_all_constraints() -> None:
    expected = {"sentences": 1, "contains": ["fox"]}
    assert mark_instructions(expected, "A fox.").right is True
    marking = mark_instructions(expected, "A fox. A hen.")
    assert (marking.right, marking.checks) == (False, {"sentences": False, "contains": True})
    assert mark_instructions(expected, "<think>A fox.</think>").right is None


def _tool(key: str) -> Problem:
    return {problem.id: problem for problem in tool_problems()}[f"tool_calls/{key}"]


def _call(name: str, arguments: Any) -> str:
    return f"<tool_call>{json.dumps({'name': name, 'arguments': arguments})}</tool_call>"


def test_every_wanted_call_is_right_by_its_own_schema() -> None:
    for problem in tool_problems():
        call = problem.expected["call"]
        if call is None:
            continue
        first = {
            name: value[0] if isinstance(value, list) else value
            for name, value in problem.expected["arguments"].items()
        }
        assert mark_tool_call(problem.expected, _call(call, first)).right is True, problem.id


TRAIN = {"origin": "lyon", "destination": "Nice", "time": "17:30", "first_class": True}


@pytest.mark.parametrize(
    ("reply", "checks"),
    [
        (_call("find_train", TRAIN), {"well_formed": 1, "right_tool": 1, "right_arguments": 1}),
        (
            "Sure! " + _call("find_train", TRAIN),
            {"well_formed": 1, "right_tool": 1, "right_arguments": 1},
        ),
        (
            _call("find_train", {**TRAIN, "time": "18:30"}),
            {"well_formed": 1, "right_tool": 1, "right_arguments": 0},
        ),
        (
            _call("find_train", {k: v for k, v in TRAIN.items() if k != "first_class"}),
            {"well_formed": 1, "right_tool": 1, "right_arguments": 0},
        ),
        (
            _call("get_weather", {"town": "Nice", "day": "today"}),
            {"well_formed": 1, "right_tool": 0},
        ),
        (_call("find_train", {**TRAIN, "time": "half past five"}), {"well_formed": 0}),
        (_call("find_train", {**TRAIN, "seat": "window"}), {"well_formed": 0}),
        (_call("find_train", [1]), {"well_formed": 0}),
        (_call("fly", {}), {"well_formed": 0}),
        (_call("find_train", TRAIN) * 2, {"well_formed": 0}),
        (_call("find_train", TRAIN).removesuffix("</tool_call>"), {"well_formed": 0}),
        ('<tool_call>{"name": "find_train"</tool_call>', {"well_formed": 0}),
        ("find_train(Lyon, Nice)", {"well_formed": 0}),
    ],
)
def test_a_call_is_marked_step_by_step(reply: str, checks: dict[str, int]) -> None:
    marking = mark_tool_call(_tool("travel/train-first").expected, reply)
    assert marking.checks == {name: bool(value) for name, value in checks.items()}
    assert marking.right is all(checks.values())


def test_where_no_tool_fits_words_are_right() -> None:
    expected = _tool("travel/no-poem").expected
    assert mark_tool_call(expected, "Late.").right is True
    assert mark_tool_call(expected, _call("get_weather", {})).right is False
    assert mark_tool_call(expected, "").right is None
