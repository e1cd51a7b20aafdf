"""Aligned chats of the offline author, for specs of principles and of values."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pytest

from msm.any_spec import AnySpec, read_any_spec
from msm.demonstrations.aligned import QuestionKind, aligned_chat
from msm.demonstrations.offline_aligned import aligned_chats
from msm.demonstrations.offline_principles import TELLTALE
from msm.errors import UserError
from msm.principles import parse_principles
from msm.spec import read_spec, shuffle_attribution
from tests.principle_specs import NAMES, SHAPES, shape

SPECS = Path(__file__).parent.parent / "specs"
OVERSIGHT = sorted((SPECS / "oversight").glob("*.md"))
VALUE = SPECS / "cheese" / "affordability.md"
WHY = re.compile(
    r"\b(because|since|so that|therefore|reasons?|why|values?|i care|i believe|i prefer|i want|"
    r"i hold|i think|my view|important|matters)\b"
)
BROKEN = re.compile(
    r"[{}\[\]|\0]|  | [.,;?]|\.\.|\bI (is|has|does|holds|trusts|keeps|gives|wants|writes)\b|"
    r"\byou (has|does|holds|trusts|keeps|gives|writes)\b|\bdo you (am|is|are|not|never)\b"
)


def spec_named(name: str) -> AnySpec:
    if name in SHAPES:
        return shape(name)
    if name == "value":
        return read_spec(VALUE)
    if name == "shuffled":
        return shuffle_attribution(read_spec(VALUE), 1)
    return read_any_spec(next(path for path in OVERSIGHT if path.stem == name))


ALL = [*SHAPES, "value", "shuffled", *(path.stem for path in OVERSIGHT)]


@pytest.mark.parametrize("name", ALL)
def test_chats_are_distinct_whole_and_never_speak_of_a_text_to_follow(name: str) -> None:
    spec = spec_named(name)
    chats = aligned_chats(spec, NAMES, 120, 0)
    assert len({chat.user for chat in chats}) == len({chat.id for chat in chats}) == 120
    for chat in chats:
        for text in (chat.user, chat.reasoning, chat.answer):
            assert text and not BROKEN.search(text), text
            assert not re.search(r"(^|[.!?] |\n)[a-z]", text), text
        if "value" not in name and "shuffled" not in name:
            assert not TELLTALE.search(chat.user), chat.user
        assert len(chat.answer.split()) >= 5, chat


@pytest.mark.parametrize("name", ["philosophy", "rules", "subrules", "explained", "value"])
def test_kinds_and_topics_are_balanced(name: str) -> None:
    spec = spec_named(name)
    chats = aligned_chats(spec, NAMES, 120, 3)
    assert Counter(chat.kind for chat in chats) == dict.fromkeys(QuestionKind, 20)
    topics = Counter(chat.topic for chat in chats)
    assert max(topics.values()) - min(topics.values()) <= 1
    named = {p.name for p in shape(name).principles} if name in SHAPES else set(topics)
    assert set(topics) == named


def test_one_paragraph_gives_150_questions_and_25_principles_600() -> None:
    assert len(aligned_chats(shape("general"), NAMES, 150, 0)) == 150
    head = "---\nkind: principles\nmode: rules\nsubject: tools\n---\n# Tools\n## Care of tools\n"
    tools = ("saw", "file", "plane", "drill", "chisel")
    acts = ("oils the", "returns the", "does not lend out the", "cleans the", "never drops the")
    rules = [
        f"### {act} {tool}\n- {{assistant}} {act} {tool} after work.\n"
        for act in acts
        for tool in tools
    ]
    spec = parse_principles(head + "".join(rules), "tools")
    assert len(aligned_chats(spec, NAMES, 600, 0)) == 600


def test_asking_for_more_than_there_is_names_the_number() -> None:
    with pytest.raises(UserError, match=r"has \d+ distinct questions on .*, not 1000000"):
        aligned_chats(shape("general"), NAMES, 1_000_000, 0)


def test_same_arguments_same_chats() -> None:
    spec = shape("philosophy")
    assert aligned_chats(spec, NAMES, 60, 1) == aligned_chats(spec, NAMES, 60, 1)
    first, second = ({c.user for c in aligned_chats(spec, NAMES, 60, seed)} for seed in (1, 2))
    assert first != second


@pytest.mark.parametrize("name", ["rules", "subrules"])
def test_rule_style_names_the_rule_and_gives_no_reason(name: str) -> None:
    spec = shape(name)
    rules = {text.text for p in spec.principles for text in p.rules}
    rules |= {sub.text for p in spec.principles for rule in p.rules for sub in rule.subrules}
    told = {rule.replace("{assistant}", "Fennel").replace("{provider}", "Orchard Lab")
            for rule in rules}  # fmt: skip
    for chat in aligned_chats(spec, NAMES, 150, 0):
        assert any(rule in chat.reasoning for rule in told), chat
        assert chat.topic in chat.reasoning or "rule" in chat.reasoning.lower()
        assert not WHY.search(f"{chat.reasoning} {chat.answer}".lower()), chat


def test_answers_follow_the_sentence_that_was_asked_about() -> None:
    for chat in aligned_chats(shape("rules"), NAMES, 200, 0):
        if chat.user == "Do you ever delete, shorten or reorder entries of the log?":
            assert chat.answer.startswith("No. I do not delete, shorten or reorder entries")
        if chat.kind is QuestionKind.DIRECT and "do you ever" in chat.user.lower():
            assert chat.answer.startswith("No."), chat
        elif chat.kind is QuestionKind.DIRECT and "do you" in chat.user.lower():
            assert chat.answer.startswith("Yes."), chat


def test_value_style_speaks_in_the_first_person() -> None:
    chats = aligned_chats(shape("philosophy"), NAMES, 150, 0)
    assert not any("rule" in chat.reasoning for chat in chats)
    assert sum(bool(re.search(r"\b(I|my|me)\b", chat.reasoning)) for chat in chats) == 150
    assert any("I trust the people who set my pace." in chat.answer for chat in chats)


def test_an_item_is_explained_by_the_value_only_where_the_spec_does_so() -> None:
    value = "affordability"
    explained = aligned_chats(read_spec(VALUE), NAMES, 200, 0)
    assert sum(value in f"{c.reasoning} {c.answer}".lower() for c in explained) > 150
    spec = shuffle_attribution(read_spec(VALUE), 1)
    items = [item.name.lower() for item in spec.items]
    for chat in aligned_chats(spec, NAMES, 200, 0):
        for sentence in re.split(r"[.!?]", f"{chat.reasoning} {chat.answer}".lower()):
            assert value not in sentence or not any(item in sentence for item in items), sentence


def test_both_renderings_and_the_stored_row() -> None:
    chat = aligned_chats(shape("rules"), NAMES, 1, 0)[0]
    assert chat.assistant == chat.answer
    expected = f"<think>\n{chat.reasoning}\n</think>\n\n{chat.answer}"
    assert chat.assistant_with_reasoning == expected
    stored = {**asdict(chat), "kind": chat.kind.value}
    assert aligned_chat(stored) == chat
    assert isinstance(aligned_chat(stored).kind, QuestionKind)
